import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { describe, expect } from 'vitest';
import { Catalog } from '../../src/mcp/catalog.ts';
import { tools } from '../../tools/index.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as test } from '../support/lab-test.ts';

const NAMES = tools.map(({ name }) => name);
const { declarations } = new Catalog(tools, 'supervisor');
const validators = new AjvJsonSchemaValidator();
/** No tool answers with more unless asked to. */
const MOST_CHARS = 20_000;

/** A server that records all its answers. */
class Watched {
  readonly answers: { tool: string; result: Result }[] = [];
  readonly #server: LabServer;

  constructor(server: LabServer) {
    this.#server = server;
  }

  /** Calls a tool. @returns its structured answer @throws when it is refused */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  async ask(tool: string, args: Record<string, unknown> = {}): Promise<any> {
    const result = (await this.#server.call(tool, args)) as Result;
    if (result.isError === true) throw new Error(`${tool} refused: ${result.content[0]?.text}`);
    this.answers.push({ tool, result });
    return result.structuredContent;
  }
}

interface Result {
  isError?: boolean;
  content: { type: string; text: string }[];
  structuredContent?: Record<string, unknown>;
}

describe.concurrent('every tool', () => {
  test('returns the same as text and structuredContent, summary first, by its schema', async ({ lab }) => {
    const robot = await lab.startPeer('mute', { session: 'r' });
    lab.sessions.add('robot');
    const command = ['sh', '-c', "printf 'READY> '; exec sleep 1000"];
    const kind = { session: 'tmux:robot', command, ready: '^READY> *$' };
    lab.configure({ agents: { robot: kind } });
    const check = lab.write('check.sh', 'echo "checked é 안녕"\n');
    const server = new Watched(await lab.startServer());
    const reporter = new Watched(await lab.reporter);

    const work = { agent: 'command', agent_session: robot.address };
    await server.ask('delegate_job', { ...work, prompt: 'Look', dry_run: true });
    const { job_id } = await server.ask('delegate_job', {
      ...work,
      prompt: `Roof é 안녕 ${'x'.repeat(20_000)}`,
    });
    const next = await server.ask('delegate_job', { ...work, prompt: 'Paint', validate: check });
    await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    await reporter.ask('publish_event', { job_id, event: 'started' });
    await reporter.ask('job_status', { job_id, task_offset: 16_000 });
    await reporter.ask('publish_event', { job_id, event: 'question', detail: 'Slate\u001b[31m or "tin"?' });
    await server.ask('wait_job', { job_id });
    await server.ask('answer_job', { job_id, text: 'Slate.' });
    await reporter.ask('publish_event', { job_id, event: 'progress', detail: 'half' });
    await reporter.ask('publish_event', { job_id, event: 'permission_required', detail: 'rm' });
    await server.ask('answer_job', { job_id, decision: 'deny' });
    await server.ask('list_agents');
    const end = { result: 'y'.repeat(30_000), files: ['a b', 'ü'] };
    await reporter.ask('publish_event', { job_id, event: 'completed', detail: 'done', ...end });
    await server.ask('wait_job', { job_ids: [job_id] });
    await server.ask('job_status', { job_id, events_after: 0, task_offset: 0 });
    await server.ask('job_logs', { job_id, include: ['events', 'screen', 'validation'] });
    await server.ask('verify_job', { job_id: next.job_id });
    await server.ask('cancel_job', { job_id: next.job_id, reason: 'no paint' });
    await server.ask('cancel_job', { job_id: next.job_id });
    await server.ask('list_jobs', { limit: 1 });
    await server.ask('start_agent', { agent: 'robot' });
    await server.ask('list_agents');
    await server.ask('stop_agent', { name: 'tmux:robot' });

    const answers = [...server.answers, ...reporter.answers];
    expect(NAMES.filter((name) => !answers.some(({ tool }) => tool === name))).toEqual([]);
    for (const { tool, result } of answers) {
      const { content, structuredContent } = result;
      expect(content, tool).toEqual([{ type: 'text', text: JSON.stringify(structuredContent) }]);
      const { summary, next: step, ...rest } = structuredContent ?? {};
      expect(Object.keys(structuredContent ?? {})[0], tool).toBe('summary');
      expect(summary, tool).toMatch(/\w/);
      expect(step, tool).toMatch(/\w.*[.:]/);
      expect(Object.keys(rest).length, tool).toBeGreaterThan(0);
      expect(content[0]?.text.length, tool).toBeLessThanOrEqual(MOST_CHARS);
      expect(content[0]?.text, tool).not.toContain('\\u001b');
      const schema = declarations.find(({ name }) => name === tool)?.outputSchema;
      const checked = validators.getValidator(schema as never)(structuredContent);
      expect(checked.errorMessage, tool).toBeUndefined();
    }
  });

  test('that refuses says in its text what failed and what to do', async ({ lab }) => {
    const server = await lab.startServer();
    const unknown = { job_id: 'roof-aaaaaaaa' };
    const refusals: Record<string, Record<string, unknown>> = {
      delegate_job: { prompt: 'x', agent: 'command', agent_session: 'tmux:nowhere' },
      wait_job: unknown,
      answer_job: { ...unknown, text: 'Tin.' },
      job_status: unknown,
      list_jobs: { cursor: 'not ours' },
      job_logs: unknown,
      verify_job: { ...unknown, validate: 'check.sh' },
      cancel_job: unknown,
      list_agents: { agent: 'codex' },
      start_agent: { agent: 'codec' },
      stop_agent: { name: 'tmux:nowhere' },
      publish_event: { ...unknown, event: 'started' },
    };
    expect(Object.keys(refusals).sort()).toEqual([...NAMES].sort());
    for (const [tool, args] of Object.entries(refusals)) {
      const result = (await server.call(tool, args)) as Result;
      expect(result.isError, tool).toBe(true);
      expect(result.structuredContent, tool).toBeUndefined();
      expect(result.content, tool).toHaveLength(1);
      const text = result.content[0]?.text ?? '';
      // First what failed, then a sentence that says what to do.
      expect(text, tool).toMatch(
        /^(?:[A-Z`]|\w+ has no ).*?[.] .*\b(?:[Cc]all|Give|Start|Leave|Take|use)\b/s,
      );
      expect(text, tool).not.toMatch(/\n\s+at |Error:|undefined|\[object/);
    }
  });
});
