import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { ATTENTION_REASONS, FAILURE_REASONS, type Reason } from '../../src/job/words.ts';
import type { Lab, PeerOptions } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import type { Peer } from '../support/peer.ts';

/** How a job comes to need someone, or to fail. */
interface Provocation {
  /** Options of its peer, in addition to mute. */
  peer?(lab: Lab): PeerOptions;
  /** Parameters of its delegation. */
  job?(lab: Lab): Record<string, unknown>;
  /** Done while the wait is pending; absent for what happens by itself. */
  act?(job_id: string, world: { lab: Lab; peer: Peer; reporter: LabServer }): unknown;
}

/** An agent's hook that tells the hub so, once its file is there; `go` makes that. */
const hook = (lab: Lab, event: string, words: object): PeerOptions => {
  const input = lab.write(`${event}.json`, JSON.stringify(words));
  const tell = `'${process.execPath}' '${PROGRAM}' hook claude-code ${event} < '${input}'\n`;
  const script = lab.write(`${event}.sh`, `until [ -e ${event}.go ]; do sleep 0.02; done\n${tell}`);
  return { args: ['--hook', `sh ${script}`] };
};
const go =
  (event: string) =>
  (_id: string, { lab }: { lab: Lab }) =>
    lab.write(`${event}.go`, '');
const CONVERSATION = 'e0af3594-25d4-4082-bf02-b4ed63fa2183';
/** An agent's hooks around an answer that has used 101 tokens. */
const overBudget = (lab: Lab) => {
  const usage = { input_tokens: 90, output_tokens: 11, cache_read_input_tokens: 5_000 };
  const answer = lab.write(
    'answer.jsonl',
    `${JSON.stringify({ type: 'assistant', message: { id: 'msg_1', model: 'opus', usage } })}\n`,
  );
  const tell = (event: string, input: string) =>
    `'${process.execPath}' '${PROGRAM}' hook claude-code ${event} < '${join(lab.project, input)}'`;
  return [
    'until [ -e over.go ]; do sleep 0.02; done',
    tell('UserPromptSubmit', 'submit.json'),
    `cat '${answer}' >> '${join(lab.project, 'conversation.jsonl')}'`,
    `${tell('SessionEnd', 'end.json')}\n`,
  ].join('\n');
};
const report =
  (event: string, detail: string) =>
  (job_id: string, { reporter }: { reporter: LabServer }) =>
    reporter.report(job_id, event, { detail });

/** Known before delegate_job has answered, or only with another job or a repository: each has its own test. */
const ELSEWHERE = ['delivery_failed', 'dependency_failed', 'setup_failed'] as const;
type Elsewhere = (typeof ELSEWHERE)[number];

/** All other reasons: a new one must be added here. */
const PROVOKED: Readonly<Record<Exclude<Reason, Elsewhere>, Provocation>> = {
  permission: { act: report('permission_required', 'May I use the long ladder?') },
  question: { act: report('question', 'Slate or tin?') },
  rate_limited: {
    peer: (lab) => hook(lab, 'StopFailure', { error: 'rate_limit', last_assistant_message: 'Back at five.' }),
    act: go('StopFailure'),
  },
  turn_ended: {
    peer: (lab) => hook(lab, 'Stop', { last_assistant_message: 'A fine roof.', stop_hook_active: false }),
    act: go('Stop'),
  },
  delivery_unverified: { peer: () => ({ args: ['--echo', '100000'] }) },
  over_budget: {
    job: () => ({ max_tokens: 100 }),
    peer: (lab) => ({ args: ['--hook', `sh ${lab.write('over.sh', overBudget(lab))}`] }),
    act: (job_id, { lab }) => {
      const said = { session_id: CONVERSATION, transcript_path: join(lab.project, 'conversation.jsonl') };
      lab.write('submit.json', JSON.stringify({ ...said, prompt: `Job ${job_id}` }));
      lab.write('end.json', JSON.stringify({ ...said, reason: 'other' }));
      lab.write('over.go', '');
    },
  },
  stalled: { job: () => ({ idle_timeout_seconds: 1 }) },
  agent_error: { act: report('error', 'No ladder.') },
  timeout: { job: () => ({ timeout_seconds: 1 }) },
  session_lost: { act: (_id, { lab, peer }) => lab.tmux('kill-pane', '-t', peer.pane) },
  validation_failed: {
    job: (lab) => ({ validate: lab.write('check.sh', 'echo crooked; exit 1\n'), validate_rounds: 0 }),
    act: report('completed', 'Mended.'),
  },
};

describe.concurrent('wait_job returns', () => {
  const reasons = [...ATTENTION_REASONS, ...FAILURE_REASONS].filter(
    (reason) => !(ELSEWHERE as readonly string[]).includes(reason),
  ) as Exclude<Reason, Elsewhere>[];
  sharing.for(reasons)('for %s', async (reason, { lab, server, reporter }) => {
    const { peer: options, job, act } = PROVOKED[reason];
    const peer = await lab.startPeer('mute', options?.(lab));
    const { job_id } = await server.delegate(peer, job?.(lab));
    const { cursor } = await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    const wait = server.wait({ job_id, ...(act !== undefined && { cursor }) });
    await server.ask('job_status', { job_id });
    await act?.(job_id, { lab, peer, reporter });
    const answer = await wait.answer;
    const needsSomebody = (ATTENTION_REASONS as readonly string[]).includes(reason);
    expect(answer).toMatchObject({
      outcome: needsSomebody ? 'needs_attention' : 'final',
      jobs: [{ job_id, status: needsSomebody ? 'input_required' : 'failed', reason }],
    });
    // Reported once: with its cursor the same is not news.
    if (needsSomebody)
      expect(
        await server.ask('wait_job', { job_id, cursor: answer.cursor, timeout_seconds: 0 }),
      ).toMatchObject({ outcome: 'still_running' });
  });
});
