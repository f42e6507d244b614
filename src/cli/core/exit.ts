import { constants } from 'node:os';
import { MamError } from '../../base/errors.ts';
import { needsAttention } from '../../job/apply.ts';
import { isLost, isOver } from '../../job/home-state.ts';
import type { JobRecord } from '../../job/record.ts';
import type { WaitEnd } from '../../operations/wait.ts';

/** The exit codes. */
export const EXIT = {
  done: 0,
  failed: 1,
  lost: 2,
  running: 3,
  attention: 4,
  usage: 64,
  unavailable: 69,
} as const;

/** What each means, wherever they are listed. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  failed: 'the job failed or was cancelled, or the report was refused',
  lost: 'an event could not be stored anywhere, not even in the outbox',
  running: 'time is up, the job goes on',
  attention: 'a job needs an answer',
  usage: 'wrong usage: the command line or a setting is not valid',
  unavailable: 'something required is missing or refuses, such as tmux, the agent, the hub or the job',
};

/** The exit code for an error: only a wrong command line or setting counts as wrong usage. */
export function exitCodeFor(error: unknown): number {
  return error instanceof MamError && error.code === 'bad_input' ? EXIT.usage : EXIT.unavailable;
}

/** The exit code after a signal, as shells count it. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

const WORST: readonly number[] = [EXIT.done, EXIT.running, EXIT.attention, EXIT.failed];

/** The exit code after a wait; of several jobs, the worst. @param past the wait went on past jobs that need input */
export function exitCodeAfter({ outcome, jobs, unseen }: WaitEnd, past = false): number {
  // A job that is blocked from its pane is still queued, and needs a person too.
  if (outcome === 'needs_attention') return EXIT.attention;
  const codeOf = (job: JobRecord): number => (past && !isOver(job) ? EXIT.running : exitCodeOf(job));
  const codes = [...jobs.map(codeOf), ...unseen.map(() => EXIT.running)];
  const worst = Math.max(0, ...codes.map((code) => WORST.indexOf(code)));
  return WORST[worst] ?? EXIT.failed;
}

/** The exit code after a hand-over without a wait: a job on its way to the peer counts as delivered. */
export function exitCodeHandedOver(record: JobRecord): number {
  const code = exitCodeOf(record);
  return code === EXIT.running || record.status === 'queued' ? EXIT.done : code;
}

function exitCodeOf(record: JobRecord): number {
  const { status } = record;
  if (status === 'completed') return EXIT.done;
  if (status === 'failed' || status === 'cancelled' || isLost(record)) return EXIT.failed;
  return needsAttention(record) ? EXIT.attention : EXIT.running;
}
