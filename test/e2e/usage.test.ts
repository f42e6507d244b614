import { appendFileSync, existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

const CONVERSATION = 'e0af3594-25d4-4082-bf02-b4ed63fa2183';

/** The hooks of an agent whose conversation is a file of this lab: each runs in its pane once it is told to. */
function scripted(lab: Lab, events: readonly string[]) {
  const transcript = join(lab.project, 'conversation.jsonl');
  const lines = events.map((event, at) =>
    [
      `until [ -e ${at}.json ]; do sleep 0.02; done`,
      `'${process.execPath}' '${PROGRAM}' hook claude-code ${event} < ${at}.json`,
      `echo > ${at}.done`,
    ].join('\n'),
  );
  // The second order must not run them again.
  const once = '[ -e begun ] && exit\necho > begun';
  const script = lab.write('hooks.sh', [once, ...lines, ''].join('\n'));
  let next = 0;
  return {
    options: { args: ['--hook', `sh ${script}`] },
    transcript,
    /** Runs the next hook, and waits until the hub has heard of it. */
    tell: async (words: object) => {
      const at = next++;
      // By rename: a file that is there is whole.
      lab.write(
        'next.json',
        JSON.stringify({ session_id: CONVERSATION, transcript_path: transcript, ...words }),
      );
      renameSync(join(lab.project, 'next.json'), join(lab.project, `${at}.json`));
      await until('the hook has run', () => existsSync(join(lab.project, `${at}.done`)));
    },
    /** The agent's model answers. */
    answer: (id: string, input_tokens: number, output_tokens: number, model = 'opus') => {
      const usage = { input_tokens, output_tokens, cache_read_input_tokens: 1_000 };
      const line = { type: 'assistant', message: { id, model, usage } };
      appendFileSync(transcript, `${JSON.stringify(line)}\n`);
    },
  };
}

test('what jobs have used is theirs, is listed, added up, and asks once when it is too much', async ({
  lab,
}) => {
  const server = await lab.startServer();
  const hooks = scripted(lab, ['UserPromptSubmit', 'Stop', 'UserPromptSubmit', 'SessionEnd']);
  const peer = await lab.startPeer('mute', hooks.options);
  // Somebody else's part of the conversation.
  hooks.answer('a', 7_000, 700);
  const { job_id: one } = await server.delegate(peer);
  await hooks.tell({ prompt: `Job ${one} was delegated to you` });
  expect(lab.record(one).conversation).toMatchObject({ agent: 'claude-code', id: CONVERSATION });
  hooks.answer('b', 50, 5);
  hooks.answer('b', 50, 5);
  await lab.mam('publish', '--job', one, '--event', 'completed');
  await until('it is counted', () => lab.record(one).usage !== undefined);
  // The turn goes on after the report.
  hooks.answer('c', 10, 1);
  await hooks.tell({ last_assistant_message: 'Bye.', stop_hook_active: false });
  const whole = { models: ['opus'], input_tokens: 2_060, output_tokens: 6, cached_tokens: 2_000 };
  await until('its last words are counted', () => lab.record(one).usage?.output_tokens === 6);
  expect(lab.record(one).usage).toMatchObject(whole);

  const { job_id: two } = await server.delegate(peer, { max_tokens: 100 });
  await hooks.tell({ prompt: `Job ${two} was delegated to you` });
  hooks.answer('d', 99, 2, 'haiku');
  await hooks.tell({ reason: 'other' });
  await lab.event(two, 'usage');
  const { outcome, jobs, next } = await server.ask('wait_job', { job_id: two });
  expect(outcome).toBe('needs_attention');
  expect(jobs[0]).toMatchObject({ reason: 'over_budget', detail: expect.stringContaining('101 tokens') });
  expect(next).toContain('answer_job');
  expect(next).toContain('cancel_job');
  await server.ask('answer_job', { job_id: two, text: 'Go on.' });
  expect(lab.record(two)).toMatchObject({ status: 'working', attention: [] });
  expect(lab.record(one).usage).toMatchObject(whole);

  const status = await server.ask('job_status', { job_id: one });
  expect(status.usage).toMatchObject(whole);
  expect((await lab.mam('status', one)).stdout).toContain(
    'used       2,066 tokens (2,060 in, 2,000 of them cached; 6 out) by opus',
  );
  const listed = JSON.parse((await lab.mam('list', '--usage', '--json')).stdout);
  expect(listed.unknown).toBe(0);
  expect(listed.sums).toEqual([
    { agent: 'command', jobs: 1, ...whole },
    {
      agent: 'command',
      jobs: 1,
      models: ['haiku'],
      input_tokens: 1_099,
      output_tokens: 2,
      cached_tokens: 1_000,
    },
  ]);
  const text = await lab.mam('list', '--usage');
  expect(text.stdout.split('\n')).toContain(
    [one, 'completed', 'command', 2_060, 2_000, 6, 'opus'].join('\t'),
  );
  expect(text.stderr).toContain('haiku');
  await server.ask('cancel_job', { job_id: two });
});

test('a killed hub loses nothing of it, and a job that was lost meanwhile names the way back', async ({
  lab,
}) => {
  const server = await lab.startServer();
  const hooks = scripted(lab, ['UserPromptSubmit', 'SessionEnd']);
  const peer = await lab.startPeer('mute', hooks.options);
  hooks.answer('a', 7_000, 700);
  const { job_id } = await server.delegate(peer);
  await hooks.tell({ prompt: `Job ${job_id} was delegated to you` });
  hooks.answer('b', 50, 5);
  await lab.killHub();
  hooks.answer('c', 10, 1);
  // The hook starts the next hub.
  await hooks.tell({ reason: 'other' });
  await until('both are counted', () => lab.record(job_id).usage?.output_tokens === 6);

  await lab.killHub();
  hooks.answer('d', 1, 1);
  await lab.tmux('kill-pane', '-t', peer.pane);
  const { next, jobs } = await server.ask('wait_job', { job_id });
  expect(jobs[0]).toMatchObject({ reason: 'session_lost' });
  expect(next).toContain(`start_agent with {"agent":"claude-code","resume_job":"${job_id}"}`);
  expect((await lab.mam('status', job_id)).stdout).toContain(`mam start claude-code --resume ${job_id}`);
  await until('the last one is counted', () => lab.record(job_id).usage?.output_tokens === 7);
  // It was in no agent that mam could start here, but what it reports elsewhere still counts.
  const late = await lab.mam('publish', '--job', job_id, '--event', 'completed', '--detail', 'Mended.');
  expect(late.code).toBe(0);
  expect(lab.record(job_id)).toMatchObject({ status: 'completed', late: true });
});

test('a job over its budget is still watched: its silence is noticed', async ({ lab }) => {
  const server = await lab.startServer();
  const hooks = scripted(lab, ['UserPromptSubmit', 'SessionEnd']);
  const peer = await lab.startPeer('mute', hooks.options);
  const { job_id } = await server.delegate(peer, { max_tokens: 100, idle_timeout_seconds: 3 });
  await hooks.tell({ prompt: `Job ${job_id} was delegated to you` });
  hooks.answer('a', 90, 11);
  await hooks.tell({ reason: 'other' });
  const first = await server.ask('wait_job', { job_id });
  expect(first.jobs[0].reason).toBe('over_budget');
  const second = await server.ask('wait_job', { job_id, cursor: first.cursor });
  expect(second.jobs[0].reason).toBe('stalled');
  expect(lab.record(job_id).attention).toEqual(['stalled', 'over_budget']);
  await server.ask('cancel_job', { job_id });
});

test('a conversation that is not known is not guessed', async ({ lab }) => {
  const server = await lab.startServer();
  const peer = await lab.startPeer('mute');
  const { job_id } = await server.delegate(peer);
  const refused = await lab.mam('start', 'codex', '--resume', job_id);
  expect(refused.stderr).toContain(`No conversation of job ${job_id} is known`);
  expect(refused.stderr).toContain('mam start codex --resume');
  expect(await server.refusal('start_agent', { agent: 'codex', resume_job: 'a2nothere' })).toContain(
    'no job',
  );
  const elsewhere = { agent: 'codex', resume_job: job_id, workdir: lab.project };
  expect(await server.refusal('start_agent', elsewhere)).toContain("in the job's folder");
  await server.ask('cancel_job', { job_id });
});
