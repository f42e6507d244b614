import { MamError } from '../base/errors.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { LogMessage } from '../operations/request.ts';
import type { Link } from './link.ts';

/** How long a busy hub may take to answer, in ms. */
const LOG_TIMEOUT_MS = 30_000;

/** What is new of a job. */
export interface JobNews {
  /** In the order of the journal, each once; none where a look found nothing new. */
  events: RecordedEvent[];
  /** The job as it is after them, or later; where the news is not `whole`, only its standing is. */
  record: JobRecord;
  /** True when nothing is known to be missing, so that the record can decide what to do. */
  whole: boolean;
}

export interface JobStreamOptions {
  link: Link;
  host: string;
  registryDir: string;
  jobId: string;
  /** Only events after this seq; absent: those that come from now on. */
  after?: number | undefined;
  onNews: (news: JobNews) => void;
  /** Called when the job is unknown, or the hub can't be reached at the beginning. */
  onFailed: (error: unknown) => void;
}

/**
 * The events of one job until `end`: those so far, then those to come. They arrive by subscription, never by polling;
 * after each connection, and where an event is missing, it asks for those that it has not seen. Once it has begun, a
 * lost hub does not end it.
 */
export class JobStream {
  readonly #options: JobStreamOptions;
  readonly #unfollow: (() => void)[];
  /** The seq of the last event passed on. */
  #seen: number | undefined;
  #record: JobRecord | undefined;
  #looking: Promise<void> | undefined;
  /** Events that came while earlier ones were being fetched. */
  #held: LogMessage[] = [];
  #ended = false;

  constructor(options: JobStreamOptions) {
    const { link, host, jobId, after } = options;
    this.#options = options;
    this.#seen = after;
    this.#unfollow = [
      link.follow(jobId, host, (message) => this.#hear(message)),
      link.onConnect(() => void this.fetchMissed()),
    ];
    void this.fetchMissed();
  }

  /** The seq up to which events have been passed on. */
  get seen(): number {
    return this.#seen ?? 0;
  }

  /**
   * Asks for the job's state and the missing events. A look that is under way serves all callers: the link repeats its
   * request after a lost connection.
   * @returns when its news has been passed on, or when it has failed
   */
  fetchMissed(): Promise<void> {
    this.#looking ??= this.#fetch();
    return this.#looking;
  }

  /** Calls back no more. */
  end(): void {
    this.#ended = true;
    for (const end of this.#unfollow) end();
  }

  async #fetch(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      this.#failed(error, this.#held.splice(0));
    } finally {
      this.#looking = undefined;
    }
    // An event beyond the journal that was just read is not the hub's.
    for (const message of this.#held.splice(0)) if (message.event.seq <= this.seen + 1) this.#hear(message);
  }

  /** @param held what came meanwhile: its events wait for the next look, but the job's standing must not */
  #failed(error: unknown, held: LogMessage[]): void {
    const { link, onFailed, onNews } = this.#options;
    if (this.#ended) return;
    const isUnknown = error instanceof MamError && error.code === 'not_found';
    if (isUnknown || this.#record === undefined) {
      onFailed(error);
      return;
    }
    const record = held.findLast((message) => message.record !== undefined)?.record;
    // A new connection looks again; without one, this may be the last news.
    if (!link.connected || record === undefined) return;
    this.#record = record;
    onNews({ events: [], record, whole: true });
  }

  async #ask(): Promise<void> {
    const { link, jobId: job_id, registryDir: registry_dir, onNews } = this.#options;
    for (let more = true; more && !this.#ended; ) {
      const params = { job_id, registry_dir, events_after: this.#seen };
      const answer = await link.request('status', params, LOG_TIMEOUT_MS);
      if (this.#ended) return;
      more = answer.more;
      // It may be less than before: where the journal was longer, only the present state counts.
      this.#seen = answer.cursor;
      this.#record = answer.record;
      onNews({ events: answer.events, record: answer.record, whole: !more });
    }
  }

  #hear(message: LogMessage): void {
    if (this.#ended) return;
    const { event, status, reason, phase, record, blocked_by, blocked_what, blocked_step, behind } = message;
    const known = this.#record;
    if (this.#looking !== undefined || known === undefined || event.seq > this.seen + 1) {
      this.#held.push(message);
      void this.fetchMissed();
      return;
    }
    if (event.seq <= this.seen) return;
    const held_up = blocked_by !== undefined && message.needs_you === true;
    const block = { blocked_by, blocked_what, blocked_step, behind, held_up };
    const standing = { status: status as JobRecord['status'], reason, phase, ...block };
    this.#seen = event.seq;
    this.#record = record ?? { ...known, ...standing, seq: event.seq };
    this.#options.onNews({ events: [event], record: this.#record, whole: record !== undefined });
  }
}
