import { describe, expect } from 'vitest';
import { Catalog } from '../../src/mcp/catalog.ts';
import { instructions } from '../../src/mcp/instructions.ts';
import { tools } from '../../tools/index.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { INSPECTOR, scriptOf } from './programs.ts';

/** What the Inspector ends with when a tool answers with an error. */
const TOOL_ERROR = 5;

/** One call of the Inspector's command line. */
async function inspect(lab: Lab, method: string, ...args: string[]) {
  lab.expected.push(/^\.mcp-inspector\//);
  const variables = Object.entries({ ...lab.env, MCP_INSPECTOR_SECRET_STORE: 'memory' });
  const env = variables.flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const server = [process.execPath, PROGRAM];
  const words = ['--cli', ...env, ...server, '--method', method, ...args, '--format', 'json'];
  const ended = await lab.run(process.execPath, [scriptOf(INSPECTOR), ...words]);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  const answer: any = ended.stdout === '' ? undefined : JSON.parse(ended.stdout);
  return { ...ended, result: answer?.result ?? answer };
}

/** Calls a tool. */
const call = (lab: Lab, tool: string, args: object) =>
  inspect(lab, 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args));

describe("MCP Inspector's command line", () => {
  test('shakes hands and lists the tools', async ({ lab }) => {
    const { result, stderr } = await inspect(lab, 'initialize');
    expect(result, stderr).toMatchObject({
      serverInfo: { name: 'mam' },
      instructions: instructions('supervisor'),
    });
    const listed = await inspect(lab, 'tools/list');
    expect(listed.result.tools).toEqual(
      JSON.parse(JSON.stringify(new Catalog(tools, 'supervisor').declarations)),
    );
    expect(lab.isUntouched).toBe(true);
  });

  test('takes a job from delegating to its end', async ({ lab }) => {
    const made = await call(lab, 'delegate_job', { prompt: 'Hang up the key', agent: 'human' });
    expect(made.code, made.stderr).toBe(0);
    const { job_id } = made.result.structuredContent;
    const waited = await call(lab, 'wait_job', { job_id, timeout_seconds: 0 });
    expect(waited.result.structuredContent).toMatchObject({ outcome: 'still_running', jobs: [{ job_id }] });
    const end = { job_id, event: 'completed', detail: 'It hangs.' };
    expect((await call(lab, 'publish_event', end)).result.structuredContent).toMatchObject({
      accepted: true,
    });
    const { result } = await call(lab, 'wait_job', { job_id });
    expect(result.structuredContent).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });
    expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
  });

  test('reads resources and gets prompts', async ({ lab }) => {
    const made = await call(lab, 'delegate_job', { prompt: 'Hang up the key', agent: 'human' });
    const { job_id } = made.result.structuredContent;
    const read = await inspect(lab, 'resources/read', '--uri', `mam://jobs/${job_id}`);
    expect(JSON.stringify(read.result), read.stderr).toContain(job_id);
    const { result } = await inspect(lab, 'prompts/list');
    expect(result.prompts.map(({ name }: { name: string }) => name)).toContain('delegate');
  });

  test('is told what is wrong', async ({ lab }) => {
    const { code, stdout, stderr } = await call(lab, 'wait_job', { job_id: 'roof-aaaaaaaa' });
    expect(code).toBe(TOOL_ERROR);
    expect(`${stdout}${stderr}`).toContain('There is no job with this id');
  });
});
