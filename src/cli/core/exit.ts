import { MamError } from '../../base/errors.ts';
import { needsAttention } from '../../job/apply.ts';
import type { JobRecord } from '../../job/record.ts';
import type { WaitEnd } from '../../operations/wait.ts';

/** Exit codes of the contract. */
export const EXIT = {
  done: 0,
  /** The job failed or was cancelled. */
  failed: 1,
  /** An event could not be stored anywhere, not even in the outbox. */
  lost: 2,
  /** Time is up, the job is still running. */
  running: 3,
  /** A job needs an answer. */
  attention: 4,
  usage: 64,
  /** Something needed is missing or refuses: tmux, the agent, the hub, the job that is named. */
  unavailable: 69,
} as const;

/** The exit code for an error: only what stands wrong on the command line or in a setting is wrong usage. */
export function exitCodeFor(error: unknown): number {
  return error instanceof MamError && error.code === 'bad_input' ? EXIT.usage : EXIT.unavailable;
}

/** From the best end of a job to the worst. */
const WORST: readonly number[] = [EXIT.done, EXIT.running, EXIT.attention, EXIT.failed];

/**
 * The exit code after a wait; of several jobs the worst.
 * @param past the wait went on past jobs that need input: when its time is up they count as running
 */
export function exitCodeAfter({ outcome, jobs, unseen }: WaitEnd, past = false): number {
  // A job that is kept out of its pane is still queued, and wants somebody too.
  if (outcome === 'needs_attention') return EXIT.attention;
  const codeOf = (job: JobRecord): number =>
    past && job.final_at === undefined ? EXIT.running : exitCodeOf(job);
  const codes = [...jobs.map(codeOf), ...unseen.map(() => EXIT.running)];
  const worst = Math.max(0, ...codes.map((code) => WORST.indexOf(code)));
  return WORST[worst] ?? EXIT.failed;
}

/** The exit code after a hand-over that nobody waits behind: a job on its way to the peer is as good as with it. */
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
