import type { LiveJob, Recorded } from '../../jobs/live-job.ts';
import { logMessage } from '../../notify/log-message.ts';
import { type Digest, type Feed, MESH_VERSION, PAGE_BYTES } from '../wire/messages.ts';
import { bytesOf, recordFor } from './pages.ts';

/** How often hosts are told how far their jobs are, in ms: a lost message is noticed by that, and so is a lost hub. */
const DIGEST_MS = 60_000;
/** After what a waiter must learn of, hosts are told that much sooner, in ms. */
const WAKE_MS = 2_000;
/** For how long after its last change an ended job is among them, in ms. */
const RECENT_MS = 10 * 60_000;

/** A job that was delegated from another host. */
interface Followed {
  job: LiveJob;
  host: string;
  /** By the monotonic clock, in ms. */
  changedAt: number;
}

/** The way to other hosts. */
export interface FeedWays {
  /** @returns false if the host is away: then nothing is sent, and it asks when it is back */
  send(host: string, kind: 'feed' | 'digest', body: unknown, jobId?: string): boolean;
  /** True if the host may know how its jobs go on. */
  mayRead(host: string): boolean;
}

/**
 * Tells other hosts how the jobs that they have delegated go on: each event as it is recorded, and from time to time how
 * far each job is, since any message may be lost.
 */
export class Feeder {
  readonly #ways: FeedWays;
  readonly #epoch: string;
  readonly #followed = new Map<string, Followed>();
  /** By host: a digest that is sent soon. */
  readonly #soon = new Map<string, NodeJS.Timeout>();
  readonly #timer: NodeJS.Timeout;

  /** @param epoch when this hub has started, ISO 8601 */
  constructor(ways: FeedWays, epoch: string) {
    this.#ways = ways;
    this.#epoch = epoch;
    this.#timer = setInterval(() => this.#tellAll(), DIGEST_MS).unref();
  }

  onRecorded(job: LiveJob, recorded: Recorded): void {
    const host = hostOf(job);
    if (host === undefined) return;
    this.#followed.set(job.id, { job, host, changedAt: performance.now() });
    if (!this.#ways.mayRead(host)) return;
    const { record, ...message } = logMessage(recorded);
    const feed: Feed = { ...message, ...(record !== undefined && { record: recordFor(record) }) };
    this.#ways.send(host, 'feed', feed, job.id);
    if (record !== undefined) this.#tellSoon(host);
  }

  /** The jobs that an earlier hub has left open are told of again. */
  resume(job: LiveJob): void {
    const host = hostOf(job);
    if (host !== undefined) this.#followed.set(job.id, { job, host, changedAt: performance.now() });
  }

  /** A host has said hello: what was sent to it before may be lost. */
  onHello(host: string): void {
    this.#tell(host);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const timer of this.#soon.values()) clearTimeout(timer);
    this.#soon.clear();
  }

  #tellAll(): void {
    for (const host of new Set([...this.#followed.values()].map((one) => one.host))) this.#tell(host);
  }

  #tellSoon(host: string): void {
    if (this.#soon.has(host)) return;
    const tell = (): void => {
      this.#soon.delete(host);
      this.#tell(host);
    };
    this.#soon.set(host, setTimeout(tell, WAKE_MS).unref());
  }

  /** Sends a host how far its jobs are, in as many messages as that takes. */
  #tell(host: string): void {
    const jobs = this.#jobsOf(host);
    if (jobs.length === 0 || !this.#ways.mayRead(host)) return;
    let left = PAGE_BYTES;
    let part: Digest['jobs'] = [];
    const send = (): void => {
      const digest: Digest = { v: MESH_VERSION, epoch: this.#epoch, jobs: part };
      this.#ways.send(host, 'digest', digest);
    };
    for (const job of jobs) {
      left -= bytesOf(job) + 1;
      if (left < 0) {
        send();
        [part, left] = [[], PAGE_BYTES - bytesOf(job) - 1];
      }
      part.push(job);
    }
    send();
  }

  /** The host's jobs that are open, or have changed lately; the others are forgotten. */
  #jobsOf(host: string): Digest['jobs'] {
    const jobs: Digest['jobs'] = [];
    for (const [id, { job, host: its, changedAt }] of this.#followed) {
      if (its !== host) continue;
      const isRecent = !job.isFinal || performance.now() - changedAt < RECENT_MS;
      if (job.isRetired || !isRecent) this.#followed.delete(id);
      else jobs.push([id, job.record.seq]);
    }
    return jobs;
  }
}

/** The host that has delegated a job of this hub; nothing for a copy of another host's job. */
function hostOf({ record }: LiveJob): string | undefined {
  return record.home === undefined ? record.supervisor.host : undefined;
}
