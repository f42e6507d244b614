import { awake } from '../../base/awake.ts';
import { explain, MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { needOf } from '../../job/apply.ts';
import type { JobRecord } from '../../job/record.ts';
import type { Obstacle } from '../../tmux/deliver.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';

/** An obstacle that two looks this far apart (ms) have seen will not just pass. */
const LASTING_MS = 900;
/** How long (ms) an agent that was started for a job may take to get ready. */
const START_TIMEOUT_MS = 20_000;
const EVIDENCE_CHARS = 300;

/** What the looks at a pane have found so far; times in ms, by the clock of all time limits. */
export interface Blocked {
  by: Obstacle['by'];
  /** The words of the last look. */
  words: string;
  /** Since when this obstacle has been there, and since when there has been any. */
  since: number;
  first: number;
}

/** Records what blocks a job, or a text for its peer, and when that needs attention. */
export class Obstacles {
  readonly #registrar: Registrar;

  constructor(registrar: Registrar) {
    this.#registrar = registrar;
  }

  /** A look has found an obstacle, which is recorded if it is new. @param before what earlier looks have found */
  async found(job: LiveJob, before: Blocked | undefined, obstacle: Obstacle): Promise<Blocked> {
    const { record } = job;
    const { by, step, isOurs = false } = obstacle;
    const { words, ...blocked } = seen(before, obstacle);
    const told = record.blocked_by === by && record.phase === 'queued';
    const held = told && record.held_up === true;
    const waited = held || holdsUp(record, blocked);
    // A spinner, and the words that a person is typing, change with each look.
    const isSteady = isOurs || (by !== 'busy' && by !== 'draft');
    const reworded = isSteady && words === before?.words && words !== record.detail;
    if (!told || reworded || waited !== held)
      await this.#registrar.noteNow(job, 'blocked', {
        detail: words,
        data: { by, step, ...(waited && { waited }) },
      });
    return { ...blocked, words };
  }

  /**
   * The same for a text after the order, whose job has its pane: the obstacle is recorded once it needs attention.
   * @param obstacle absent if it only waits for the end of a turn, or for a decision that is already asked for
   */
  async kept(
    job: LiveJob,
    what: string,
    before: Blocked | undefined,
    obstacle: Obstacle | undefined,
  ): Promise<Blocked | undefined> {
    const { record } = job;
    if (obstacle === undefined || obstacle.by === 'busy') {
      await this.over(job);
      return undefined;
    }
    const { by, step } = obstacle;
    const blocked = seen(before, obstacle);
    const told = record.blocked_what === what && record.blocked_by === by;
    // During its turn an agent may show no box.
    const needs = by === 'not_ready' ? isLong(record, blocked) : holdsUp(record, blocked);
    if (!told && needs)
      await this.#registrar.noteNow(job, 'blocked', {
        detail: blocked.words,
        data: { what, by, step, waited: true },
      });
    return blocked;
  }

  /** Nothing is blocked any longer, or not by anything that needs attention. */
  async over(job: LiveJob): Promise<void> {
    const { blocked_what, behind } = job.record;
    if (blocked_what !== undefined || behind !== undefined) await this.#registrar.note(job, 'unblocked');
  }

  /** The job that has the pane needs attention, or no longer does. @param since when it began to */
  async behind(job: LiveJob, holder: JobRecord | undefined, since: number): Promise<void> {
    const { record } = job;
    const needs = holder && needOf(holder);
    if (holder === undefined || needs === undefined) return this.over(job);
    const behind = { job_id: holder.job_id, needs };
    const told = record.behind?.job_id === behind.job_id;
    const held = told && record.held_up === true;
    const waited = held || isLong(record, { first: since });
    if (told && record.behind?.needs === needs && waited === held) return;
    await this.#registrar.note(job, 'blocked', {
      detail: `Job ${holder.job_id} has the pane and needs someone (${needs}).`,
      data: { by: 'behind', behind, ...(waited && { waited }) },
    });
  }

  /** tmux was asked for the pane a while ago, and has not answered. @param what the text that is blocked, if not the order */
  async silent(job: LiveJob, what?: string): Promise<void> {
    const { status, held_up, blocked_by, blocked_what } = job.record;
    if ((status === 'queued') !== (what === undefined)) return;
    if (held_up === true && blocked_by === 'unreachable' && blocked_what === what) return;
    await this.#registrar.noteNow(job, 'blocked', {
      detail: 'tmux does not answer when it is asked for the pane',
      // A text that has been pasted by then was not blocked.
      data: { by: 'unreachable', what, step: 'mam doctor', waited: true, unless_pasted: true },
    });
  }
}

/** What is known about an obstacle after one more look. */
function seen(before: Blocked | undefined, { by, evidence }: Obstacle): Blocked {
  const now = awake.now();
  const words = cleanLine(evidence, EVIDENCE_CHARS);
  return before?.by === by ? { ...before, words } : { by, words, since: now, first: before?.first ?? now };
}

function isLong({ timeouts }: JobRecord, { first }: Pick<Blocked, 'first'>): boolean {
  return awake.now() - first >= timeouts.idle_timeout_seconds * 1000;
}

/** True for an obstacle that needs attention: not a turn, which ends by itself, or a starting agent. */
function holdsUp(record: JobRecord, blocked: Omit<Blocked, 'words'>): boolean {
  if (isLong(record, blocked)) return true;
  const { by, since } = blocked;
  if (by === 'busy') return false;
  const patience = by === 'not_ready' && record.typing?.started === true ? START_TIMEOUT_MS : LASTING_MS;
  return awake.now() - since >= patience;
}

/** The obstacle when mam itself fails, before it has tried the pane. */
export function noPaste(error: unknown): Obstacle {
  const by = error instanceof MamError && error.code === 'io' ? 'unwritable' : 'unreachable';
  return { by, evidence: explain(error), step: 'mam doctor' };
}
