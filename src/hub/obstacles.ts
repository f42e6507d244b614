import type { JobRecord } from '../job/record.ts';
import { cleanLine } from '../job/text.ts';
import type { Obstacle } from '../tmux/deliver.ts';
import { awake } from './awake.ts';
import type { LiveJob } from './live-job.ts';
import type { Registrar } from './registrar.ts';

/** What stands in the way so long (ms), over two looks, is nothing that is just passing. */
const STANDS_MS = 900;
/** An agent that was started for a job is given so long (ms) to get ready. */
const START_MS = 20_000;
const EVIDENCE_CHARS = 300;

/** What the looks at a pane have found so far; times by the clock of all limits, in ms. */
export interface Blocked {
  by: Obstacle['by'];
  /** What the last look read. */
  words: string;
  /** Since when it is this that stands in the way, and since when anything does. */
  since: number;
  first: number;
}

/** Records what keeps a job from its pane, and when that needs somebody. */
export class Obstacles {
  private readonly registrar: Registrar;

  constructor(registrar: Registrar) {
    this.registrar = registrar;
  }

  /**
   * A look has found an obstacle. It is recorded where that is news, and not with each look.
   * @param before what the looks before have found, absent at the first one
   */
  async found(job: LiveJob, before: Blocked | undefined, obstacle: Obstacle): Promise<Blocked> {
    const { record } = job;
    const { by, evidence, isOurs = false } = obstacle;
    const words = cleanLine(evidence, EVIDENCE_CHARS);
    const now = awake.now();
    const blocked = before?.by === by ? before : { by, words: '', since: now, first: before?.first ?? now };
    const told = record.blocked_by === by && record.phase === 'queued';
    const held = told && record.held_up === true;
    const waited = held || holdsUp(record, blocked, now);
    // A spinner, and the words of somebody who types, are others with each look: what matters is that they are there.
    const isSteady = isOurs || (by !== 'busy' && by !== 'draft');
    const reworded = isSteady && words === blocked.words && words !== record.detail;
    if (!told || reworded || waited !== held)
      await this.registrar.noteNow(job, 'blocked', {
        detail: words,
        data: { by, ...(waited && { waited }) },
      });
    return { ...blocked, words };
  }

  /** tmux was asked for the pane a while ago, and has not answered. */
  async silent(job: LiveJob): Promise<void> {
    const { status, held_up, blocked_by } = job.record;
    if (status !== 'queued' || (held_up === true && blocked_by === 'unreachable')) return;
    await this.registrar.noteNow(job, 'blocked', {
      detail: 'tmux does not answer when it is asked for the pane',
      // What has been pasted by then was not kept from its pane.
      data: { by: 'unreachable', waited: true, unless_pasted: true },
    });
  }
}

/** True for an obstacle that needs somebody: a turn ends by itself, and an agent that is starting gets ready. */
function holdsUp({ timeouts, typing }: JobRecord, { by, since, first }: Blocked, now: number): boolean {
  if (now - first > timeouts.idle_timeout_seconds * 1000) return true;
  if (by === 'busy') return false;
  const patience = by === 'not_ready' && typing?.started === true ? START_MS : STANDS_MS;
  return now - since >= patience;
}
