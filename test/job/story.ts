import { apply } from '../../src/job/apply.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobOrder, JobRecord } from '../../src/job/record.ts';

/** What `delegate` fixes, for tests. */
export const ORDER: JobOrder = {
  job_id: 'mend-the-roof-abcd1234',
  agent: 'command',
  host: 'here',
  registry_dir: '/r',
  log_dir: '/r/mend-the-roof-abcd1234',
  workdir: '/w',
  prompt_sha256: 'x',
  prompt_preview: 'Mend the roof',
  prompt_bytes: 13,
  supervisor: { client: 'test', session: 's' },
  depth: 0,
  peer_server: 'unknown',
  timeouts: { timeout_seconds: 3600, idle_timeout_seconds: 120 },
};

export const VALIDATION = { script: '/w/check.sh', script_sha256: 'y', rounds: 0 };

type More = Partial<Omit<RecordedEvent, 'seq' | 'type'>>;

/** The time of an event: one second after the previous one. */
export const timeOf = (seq: number): string => new Date(Date.UTC(2026, 0, 1) + seq * 1_000).toISOString();

/** A job told event by event; the source defaults to the likely one. */
export class Story {
  readonly journal: RecordedEvent[] = [];
  record: JobRecord;

  constructor(order: Partial<JobOrder> = {}) {
    this.record = this.#take('queued', { data: { job: { ...ORDER, ...order } } });
  }

  /** Applies one event. */
  next(type: string, more: More = {}): this {
    this.record = this.#take(type, more);
    return this;
  }

  /** Handed over, with the peer at work. */
  static working(order: Partial<JobOrder> = {}): Story {
    return new Story(order).next('pasting').next('visible').next('submitted').next('started');
  }

  #take(type: string, more: More): JobRecord {
    const seq = this.journal.length + 1;
    const at = timeOf(seq);
    const event: RecordedEvent = {
      ...{ seq, event_id: `e${seq}`, job_id: ORDER.job_id, type, source: SOURCE_OF[type] ?? 'hub' },
      ...{ at, recorded_at: at },
      ...more,
    };
    this.journal.push(event);
    return apply(this.record, event);
  }
}

const SOURCE_OF: Record<string, RecordedEvent['source']> = {
  ...Object.fromEntries(
    ['started', 'progress', 'question', 'permission_required', 'completed', 'error'].map((type) => [
      type,
      'peer',
    ]),
  ),
  turn_ended: 'hook',
  rate_limited: 'hook',
  permission_resolved: 'hook',
  answered: 'supervisor',
  cancelled: 'supervisor',
};
