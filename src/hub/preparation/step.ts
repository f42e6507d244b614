import type { EventTypes } from '../../job/event.ts';
import type { JobOrder } from '../../job/record.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { HeldJob } from './held-job.ts';

/** The steps in their order. A job's own ones are in its order (`prepares`), those behind it in its record (`prepared`). */
export const STEPS = ['after', 'pool', 'worktree'] as const;
export type StepName = (typeof STEPS)[number];

/** What a step leaves in the journal when it has passed. */
export interface Passed {
  /** A sentence for people. */
  detail?: string;
  /** What else its event carries. */
  data?: Omit<EventTypes['prepared'], 'prepared'>;
}

/**
 * Something that must be done before a job is handed over. One file with a class, and one line in the list in
 * `src/hub/build.ts`. Such as:
 *
 * ```ts
 * export class Pool implements Step {
 *   readonly name = 'pool';
 *   readonly blockedBy = 'pool';
 *   readonly failure = 'delivery_failed';
 *
 *   isNeeded({ new_session }: JobOrder): boolean {
 *     return new_session !== undefined;
 *   }
 *
 *   async run(job: LiveJob, held: HeldJob, signal: AbortSignal): Promise<Passed> {
 *     const name = await this.#news.until(() => this.#freeName(job), signal, ({ record }) => isFinal(record.status));
 *     // On the disk before it is used: after a crash the same name is found here.
 *     await held.change({ agent_session: `tmux:${name}` }, this.blockedBy, signal);
 *     return { detail: `It gets the session ${name}.` };
 *   }
 * }
 * ```
 *
 * A step may be run again from its beginning, by the next hub, if this one is killed before the step has passed. So it
 * looks first at what is there already; what it decides it keeps with `held.change` before it acts on it.
 */
export interface Step {
  readonly name: StepName;
  /** What the record says while it waits (`HeldJob.waits`). */
  readonly blockedBy: 'after' | 'pool' | 'setup';
  /** What the job fails with if the step does. */
  readonly failure: 'dependency_failed' | 'setup_failed' | 'delivery_failed';
  isNeeded(order: JobOrder): boolean;
  /**
   * @param held what is needed to go on, and the means to say that the job waits
   * @param signal aborted when the job has ended, or when the hub ends: then begin nothing new
   * @returns when the step has passed
   * @throws MamError when the job can't go on: it fails with `failure`, the message and the next step as its detail
   */
  run(job: LiveJob, held: HeldJob, signal: AbortSignal): Promise<Passed>;
}
