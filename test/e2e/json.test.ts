import { describe, expect } from 'vitest';
import type { z } from 'zod';
import { commands } from '../../src/cli/index.ts';
import { tools } from '../../tools/index.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';

/** Longer than the part of a request that a tool's answer shows. */
const ASKED = `Slate? ${'Or tin? '.repeat(100)}`.trim();

const schemaOf = (name: string): z.ZodObject => {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`there is no tool ${name}`);
  return tool.outputSchema;
};

/** Runs a command with `--json`; its output must match the tool's schema exactly. */
async function json(lab: Lab, tool: string, ...args: string[]) {
  const { stdout, stderr } = await lab.mam(...args, '--json');
  expect(stdout.trimEnd().split('\n'), stderr).toHaveLength(1);
  const printed = JSON.parse(stdout);
  const { wait, ...fields } = printed;
  expect(schemaOf(tool).strict().parse(fields)).toEqual(fields);
  if (wait !== undefined) expect(schemaOf('wait_job').strict().parse(wait)).toEqual(wait);
  return printed;
}

describe.concurrent('--json', () => {
  test('has the fields of the MCP tools', async ({ lab }) => {
    const [good, mute] = [await lab.startPeer('good'), await lab.startPeer('mute')];
    const to = (address: string) => ['--agent', 'command', '--agent-session', address];
    lab.write('check.sh', 'exit 0\n');
    expect(await json(lab, 'list_jobs', 'list')).toMatchObject({
      summary: 'There are no jobs yet.',
      total: 0,
    });
    const done = await json(
      lab,
      'delegate_job',
      'submit',
      'Mend it',
      ...to(good.address),
      '--validate',
      'check.sh',
    );
    expect(done).toMatchObject({
      status: 'completed',
      summary: expect.stringContaining('completed'),
      wait: { outcome: 'final', jobs: [{ status: 'completed' }] },
    });
    await json(lab, 'delegate_job', 'submit', 'x', ...to(good.address), '--dry-run');
    const { job_id: jobId } = await json(
      lab,
      'delegate_job',
      'submit',
      'Paint it',
      ...to(mute.address),
      '--no-wait',
    );

    const result = lab.write('result.txt', 'long '.repeat(3_000));
    await json(lab, 'publish_event', 'publish', '--job', jobId, '--event', 'started');
    await json(lab, 'publish_event', 'publish', '--job', jobId, '--event', 'question', '--detail', ASKED);
    expect(await json(lab, 'wait_job', 'wait', jobId)).toMatchObject({
      outcome: 'needs_attention',
      next: `mam answer ${jobId} "YOUR ANSWER"`,
    });
    await json(lab, 'answer_job', 'answer', '--job', jobId, 'Tin.');
    expect((await json(lab, 'wait_job', 'wait', '--timeout', '0')).jobs).toHaveLength(1);
    const ended = ['--event', 'completed', '--result-file', result];
    await json(lab, 'publish_event', 'publish', '--job', jobId, ...ended);
    expect(await json(lab, 'job_status', 'status', jobId)).toMatchObject({
      status: 'completed',
      events: expect.arrayContaining([expect.objectContaining({ type: 'answered' })]),
    });
    expect(await json(lab, 'list_jobs', 'list', '--limit', '1')).toMatchObject({
      total: 2,
      jobs: [{ job_id: jobId }],
      cursor: expect.any(String),
    });
    const log = await json(lab, 'job_logs', 'logs', jobId, '--include', 'events,screen,validation');
    expect(log.events.at(-1)).toMatchObject({ type: 'completed', result: 'long '.repeat(3_000) });
    await json(lab, 'job_logs', 'logs', done.job_id, '--include', 'events,validation');
    await json(lab, 'verify_job', 'verify', jobId, '--validate', 'check.sh');
    // A shell gets long texts whole.
    expect(await json(lab, 'cancel_job', 'cancel', jobId)).toMatchObject({ requests: [{ text: ASKED }] });
    await json(lab, 'job_logs', 'logs', jobId);
    await json(lab, 'verify_job', 'verify', '--job', jobId, '--validate', 'check.sh');

    const person = await json(lab, 'delegate_job', 'submit', 'Call', '--agent', 'human', '--no-wait');
    expect(await json(lab, 'publish_event', 'done', 'Called.')).toMatchObject({
      accepted: true,
      status: 'completed',
    });
    await json(lab, 'wait_job', 'wait', '--job', person.job_id);
    expect((await json(lab, 'list_agents', 'agents')).agents.length).toBeGreaterThan(3);
  });

  test('of a started agent has them too', async ({ lab }) => {
    const mine = { command: ['sh', '-c', 'echo "READY> "; cat'], ready: '^READY>', session: 'tmux:mine' };
    lab.configure({ agents: { mine } });
    lab.sessions.add('mine');
    await json(lab, 'start_agent', 'start', 'mine');
    await json(lab, 'stop_agent', 'stop', 'mine');
  });
});

test('every command that names a tool names an existing one', async () => {
  for (const [name, { load }] of Object.entries(commands)) {
    const { json: declared } = await load();
    if (typeof declared !== 'string')
      expect(
        tools.map((tool) => tool.name),
        name,
      ).toContain(declared.tool);
  }
});
