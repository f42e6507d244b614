import { cleanLine } from '../../base/text.ts';
import { isAtWork } from '../../job/attention.ts';
import { draftEvent } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import type { Notes } from '../delivery/notes.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';

/** Reasons for attention that do not end a turn. */
const GOES_ON = ['stalled', 'over_budget'];
/** An interruption this soon (ms) after a denial is its effect. */
const DENIED_MS = 3_000;

interface Parts {
  registrar: Pick<Registrar, 'record' | 'hold'>;
  notes: Pick<Notes, 'remind'>;
}

/** Handles the end of an agent's turn while its job is open: one reminder, then a call for attention. */
export class Turns {
  readonly #with: Parts;
  /** Jobs with a pending reminder. */
  readonly #reminding = new Set<string>();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /**
   * A turn has ended while the job is open.
   * @param words what the agent said last, if known
   * @param source of the report: a hook, or a look at the screen
   */
  ended(job: LiveJob, words: string, source: 'hook' | 'hub'): void {
    const { record } = job;
    if (record.submitted_at === undefined || record.phase === 'validating') return;
    if (!isAtWork(record) && !record.attention.every((reason) => GOES_ON.includes(reason))) return;
    // A pending message begins a new turn by itself.
    if (record.messages.length > (record.messages_announced ?? 0) || this.#reminding.has(job.id)) return;
    const detail = cleanLine(words, LIMITS.detailChars);
    if (record.reminded_at !== undefined) {
      this.#recordTurnEnd(job, detail, source);
      return;
    }
    this.#reminding.add(job.id);
    this.#with.notes.remind(
      job,
      detail,
      (why) =>
        this.#recordTurnEnd(job, detail || `Its turn ended, and it could not be reminded (${why}).`, source),
      () => this.#reminding.delete(job.id),
    );
  }

  /** A turn was stopped by hand, or by a supervisor's denial; after a denial the peer should continue. */
  interrupted(job: LiveJob): void {
    const denied = job.record.requests.some(
      ({ decision, decided_by, resolved_at }) =>
        decision === 'deny' &&
        decided_by !== undefined &&
        Date.now() - Date.parse(resolved_at ?? '') < DENIED_MS,
    );
    if (denied) this.ended(job, 'Its turn ended with the denial.', 'hook');
    else this.failed(job, 'The turn was interrupted in the pane.');
  }

  /** The model's service failed during a turn: a reminder would only meet the same failure. */
  failed(job: LiveJob, words: string): void {
    if (isAtWork(job.record)) this.#recordTurnEnd(job, cleanLine(words, LIMITS.detailChars), 'hook');
  }

  #recordTurnEnd(job: LiveJob, detail: string, source: 'hook' | 'hub'): void {
    const words = detail || 'The turn ended in the pane without a report.';
    const draft = draftEvent(job.id, 'turn_ended', { detail: words, source });
    const { registrar } = this.#with;
    registrar.record(job, draft).catch((error) => registrar.hold(job, draft, error));
  }
}
