import { MamError } from '../base/errors.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { LogMessage } from '../operations/request.ts';
import type { Link } from './link.ts';

/** A hub that is busy must not make anybody give up: an answer may take this long, in ms. */
const LOOK_MS = 30_000;

/** What is new of a job. */
export interface JobNews {
  /** In the order of the journal, each told once; none where a look has found nothing new. */
  events: RecordedEvent[];
  /** The job as it is after them, or later; where the news is not `whole` only its standing is. */
  record: JobRecord;
  /** True when nothing is known to be missing: what is to be done can be decided by the record. */
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
  /** Called when there is nothing to go on with: the job is unknown, or the hub can't be reached at the beginning. */
  onFailed: (error: unknown) => void;
}

/**
 * The events of one job, told until `end`: first what there is, then what comes. Hears of them by subscription, never
 * by polling; after each connection, and where an event is missing, it asks for what it has not seen. Once it has
 * begun, a lost hub does not end it.
 */
export class JobStream {
  readonly #options: JobStreamOptions;
  readonly #unfollow: (() => void)[];
  /** The seq of the last event told. */
  #seen: number | undefined;
  #record: JobRecord | undefined;
  #looking: Promise<void> | undefined;
  /** Events that came while earlier ones were still being asked for. */
  #held: LogMessage[] = [];
  #ended = false;

  constructor(options: JobStreamOptions) {
    const { link, host, jobId, after } = options;
    this.#options = options;
    this.#seen = after;
    this.#unfollow = [
      link.follow(jobId, host, (message) => this.#hear(message)),
      link.onConnect(() => void this.look()),
    ];
    void this.look();
  }

  /** The seq up to which the events have been told. */
  get seen(): number {
    return this.#seen ?? 0;
  }

  /**
   * Asks for the job's state and for the events that are missing. A look that is under way serves all who ask: the
   * link sends its request again after a lost connection.
   * @returns when its news has been told, or when it has failed
   */
  look(): Promise<void> {
    this.#looking ??= this.#look();
    return this.#looking;
  }

  /** Nothing is told any more. */
  end(): void {
    this.#ended = true;
    for (const end of this.#unfollow) end();
  }

  async #look(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      this.#failed(error, this.#held.splice(0));
    } finally {
      this.#looking = undefined;
    }
    // What is beyond the journal that was just read is none of the hub's.
    for (const message of this.#held.splice(0)) if (message.event.seq <= this.seen + 1) this.#hear(message);
  }

  /** @param held what came meanwhile: it has to wait for the next look, but how the job stands must not */
  #failed(error: unknown, held: LogMessage[]): void {
    const { link, onFailed, onNews } = this.#options;
    if (this.#ended) return;
    const lasting = error instanceof MamError && error.code === 'not_found';
    if (lasting || this.#record === undefined) {
      onFailed(error);
      return;
    }
    const record = held.findLast((message) => message.record !== undefined)?.record;
    // The next connection looks again; with none to come, this may be the last that is heard.
    if (!link.connected || record === undefined) return;
    this.#record = record;
    onNews({ events: [], record, whole: true });
  }

  async #ask(): Promise<void> {
    const { link, jobId: job_id, registryDir: registry_dir, onNews } = this.#options;
    for (let more = true; more && !this.#ended; ) {
      const params = { job_id, registry_dir, events_after: this.#seen };
      const { events, record, cursor, ...rest } = await link.request('status', params, LOOK_MS);
      if (this.#ended) return;
      more = rest.more;
      // It may be less than before: of a journal that was longer only the present state counts.
      this.#seen = cursor;
      this.#record = record;
      onNews({ events, record, whole: !more });
    }
  }

  #hear(message: LogMessage): void {
    if (this.#ended) return;
    const { event, status, reason, phase, record } = message;
    const { blocked_by, blocked_what, blocked_step, behind } = message;
    const known = this.#record;
    if (this.#looking !== undefined || known === undefined || event.seq > this.seen + 1) {
      this.#held.push(message);
      void this.look();
      return;
    }
    if (event.seq <= this.seen) return;
    const held_up = blocked_by !== undefined && message.needs_you === true;
    const kept = { blocked_by, blocked_what, blocked_step, behind, held_up };
    const standing = { ...{ status: status as JobRecord['status'], reason, phase }, ...kept };
    this.#seen = event.seq;
    this.#record = record ?? { ...known, ...standing, seq: event.seq };
    this.#options.onNews({ events: [event], record: this.#record, whole: record !== undefined });
  }
}
