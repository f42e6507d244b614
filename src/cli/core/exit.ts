import { MamError } from '../../base/errors.ts';
import { needsAttention } from '../../job/apply.ts';
import type { JobRecord } from '../../job/record.ts';
import type { WaitEnd } from '../../operations/wait.ts';

/** The documented exit codes. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** An event could not be stored anywhere, not even in the outbox. */
  lost: 2,
  /** Time is up, the job is still running. */
  running: 3,
  attention: 4,
  usage: 64,
  /** Something required is missing or refuses: tmux, the agent, the hub, the named job. */
  unavailable: 69,
} as const;

/** The exit code for an error: only a wrong command line or setting counts as wrong usage. */
export function exitCodeFor(error: unknown): number {
  return error instanceof MamError && error.code === 'bad_input' ? EXIT.usage : EXIT.unavailable;
}

const WORST: readonly number[] = [EXIT.done, EXIT.running, EXIT.attention, EXIT.failed];

/** The exit code after a wait; of several jobs, the worst. @param past the wait went on past jobs that need input */
export function exitCodeAfter({ outcome, jobs, unseen }: WaitEnd, past = false): number {
  // A job that is blocked from its pane is still queued, and needs a person too.
  if (outcome === 'needs_attention') return EXIT.attention;
  const codeOf = (job: JobRecord): number =>
    past && job.final_at === undefined ? EXIT.running : exitCodeOf(job);
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
  if (status === 'failed' || status === 'cancelled') return EXIT.failed;
  return needsAttention(record) ? EXIT.attention : EXIT.running;
}
