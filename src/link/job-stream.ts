import { MamError } from '../base/errors.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { LogMessage } from '../operations/request.ts';
import type { Link } from './link.ts';

/** How long a busy hub may take to answer, in ms. */
const LOG_TIMEOUT_MS = 30_000;

/** News about a job. */
export interface JobNews {
  /** In journal order, each once; empty if a look found nothing new. */
  events: RecordedEvent[];
  /** The job's state after these events, or later; if the news is not `whole`, only its status fields are current. */
  record: JobRecord;
  /** True if nothing is known to be missing, so that callers can decide by the record. */
  whole: boolean;
}

export interface JobStreamOptions {
  link: Link;
  host: string;
  registryDir: string;
  jobId: string;
  /** Only events after this seq; absent: those from now on. */
  after?: number | undefined;
  onNews: (news: JobNews) => void;
  /** Called if the job is unknown, or if the hub can't be reached at the beginning. */
  onFailed: (error: unknown) => void;
}

/**
 * The events of one job until `end`: first those so far, then new ones. They arrive by subscription, never by polling;
 * after each connection, and if an event is missing, the stream requests those that it has not seen. Once it has begun,
 * losing the hub does not end it.
 */
export class JobStream {
  readonly #options: JobStreamOptions;
  readonly #unfollow: (() => void)[];
  /** The seq of the last event passed on. */
  #seen: number | undefined;
  #record: JobRecord | undefined;
  #looking: Promise<void> | undefined;
  /** Events that arrived while earlier ones were being fetched. */
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
   * Requests the job's state and the missing events. Concurrent callers share one request; the link repeats it after a
   * lost connection.
   * @returns when its news has been passed on, or when the request has failed
   */
  fetchMissed(): Promise<void> {
    this.#looking ??= this.#fetch();
    return this.#looking;
  }

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
    const held = this.#held.splice(0);
    // What the look has found may be older or newer than a state without an event.
    if (held.some(({ home }) => home === true)) void this.fetchMissed();
    // An event beyond the end of the journal that was just read is not from the hub.
    for (const message of held)
      if (message.home !== true && message.event.seq <= this.seen + 1) this.#hear(message);
  }

  /** @param held what arrived meanwhile: its events can wait for the next look, but the job's status must not */
  #failed(error: unknown, held: LogMessage[]): void {
    const { link, onFailed, onNews } = this.#options;
    if (this.#ended) return;
    const isUnknown = error instanceof MamError && error.code === 'not_found';
    if (isUnknown || this.#record === undefined) {
      onFailed(error);
      return;
    }
    const record = held.findLast((message) => message.record !== undefined)?.record;
    // A new connection looks again; on this one, it may be the last news.
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
      // It may be lower than before: if the journal was longer, only the current state counts.
      this.#seen = answer.cursor;
      this.#record = answer.record;
      onNews({ events: answer.events, record: answer.record, whole: !more });
    }
  }

  #hear(message: LogMessage): void {
    if (this.#ended) return;
    const { event, status, reason, phase, record, blocked_by, blocked_what, blocked_step, behind } = message;
    const known = this.#record;
    const isHome = message.home === true;
    const next = isHome ? this.seen : this.seen + 1;
    if (this.#looking !== undefined || known === undefined || event.seq > next) {
      this.#held.push(message);
      void this.fetchMissed();
      return;
    }
    if (isHome && record !== undefined && event.seq === this.seen) {
      this.#record = record;
      this.#options.onNews({ events: [], record, whole: true });
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
