import { explain } from '../../base/errors.ts';
import { cleanAll } from '../../base/text.ts';
import type { Link } from '../../link/link.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { Streams } from './streams.ts';

/** Nothing signals that a screen has changed: while a page shows one, it is read again after this time, in ms. */
const AGAIN_MS = 500;

/** Reads the screens that pages show, and sends each when it has changed. A slow one holds up no other. */
export class Screens {
  readonly #link: Pick<Link, 'request'>;
  readonly #registryDir: string;
  readonly #streams: Pick<Streams, 'looked' | 'tell'>;
  /** What was sent last, by job. */
  readonly #last = new Map<string, string>();
  /** Jobs whose screens do not change before something happens to the job. */
  readonly #still = new Set<string>();
  /** When each screen is read again, by job. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Jobs whose screens are being read. */
  readonly #reading = new Set<string>();
  /** Jobs to which something happened meanwhile. */
  readonly #news = new Set<string>();
  #ended = false;

  constructor(link: Pick<Link, 'request'>, registryDir: string, streams: Pick<Streams, 'looked' | 'tell'>) {
    this.#link = link;
    this.#registryDir = registryDir;
    this.#streams = streams;
  }

  /** Called when a page shows another job. */
  show(jobId: string | undefined): void {
    if (jobId === undefined) return;
    // Another page may show it already: this one has nothing yet.
    this.#last.delete(jobId);
    this.changed(jobId);
  }

  /** Called when something has happened to a job. */
  changed(jobId: string): void {
    this.#still.delete(jobId);
    if (this.#reading.has(jobId)) this.#news.add(jobId);
    else void this.#read(jobId);
  }

  end(): void {
    this.#ended = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #read(jobId: string): Promise<void> {
    clearTimeout(this.#timers.get(jobId));
    this.#timers.delete(jobId);
    this.#forgetUnseen();
    if (this.#ended || !this.#streams.looked.has(jobId)) return;
    this.#news.delete(jobId);
    this.#reading.add(jobId);
    await this.#readOne(jobId);
    this.#reading.delete(jobId);
    if (this.#ended || this.#still.has(jobId)) return;
    const pause = this.#news.has(jobId) ? 0 : AGAIN_MS;
    this.#timers.set(
      jobId,
      setTimeout(() => void this.#read(jobId), pause),
    );
  }

  #forgetUnseen(): void {
    const jobs = this.#streams.looked;
    for (const one of [this.#last, this.#still])
      for (const known of one.keys()) if (!jobs.has(known)) one.delete(known);
  }

  async #readOne(job_id: string): Promise<void> {
    const found = await this.#link
      .request('screen', { job_id, registry_dir: this.#registryDir })
      .catch((error: unknown): ScreenResult => ({ screen: [], live: false, missing: explain(error) }));
    const { screen, live, missing } = cleanAll(found);
    if (!live && !this.#news.has(job_id)) this.#still.add(job_id);
    const message = { job_id, screen: screen.join('\n'), screen_live: live, screen_missing: missing };
    const text = JSON.stringify(message);
    if (this.#last.get(job_id) === text) return;
    this.#last.set(job_id, text);
    this.#streams.tell('screen', message, job_id);
  }
}
