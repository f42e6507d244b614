import { explain } from '../../base/errors.ts';
import { cleanAll } from '../../base/text.ts';
import type { Link } from '../../link/link.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { Streams } from './streams.ts';

/** Nothing signals that a screen has changed: while a page shows one, it is read again after this time, in ms. */
const AGAIN_MS = 500;

/** Reads the screens that pages show, and sends each when it has changed. */
export class Screens {
  readonly #link: Link;
  readonly #registryDir: string;
  readonly #streams: Streams;
  /** What was sent last, by job. */
  readonly #last = new Map<string, string>();
  /** Jobs whose screens do not change before something happens to the job. */
  readonly #still = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #soon = false;
  #ended = false;

  constructor(link: Link, registryDir: string, streams: Streams) {
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
    this.#soon = true;
    if (this.#running || this.#ended || !this.#streams.looked.has(jobId)) return;
    clearTimeout(this.#timer);
    void this.#read();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    this.#soon = false;
    const jobs = this.#streams.looked;
    for (const one of [this.#last, this.#still])
      for (const known of one.keys()) if (!jobs.has(known)) one.delete(known);
    const due = [...jobs].filter((jobId) => !this.#still.has(jobId));
    if (due.length === 0) return;
    this.#running = true;
    await Promise.all(due.map((jobId) => this.#readOne(jobId)));
    this.#running = false;
    if (this.#ended) return;
    this.#timer = setTimeout(() => void this.#read(), this.#soon ? 0 : AGAIN_MS);
  }

  async #readOne(job_id: string): Promise<void> {
    const found = await this.#link
      .request('screen', { job_id, registry_dir: this.#registryDir })
      .catch((error: unknown): ScreenResult => ({ screen: [], live: false, missing: explain(error) }));
    const { screen, live, missing } = cleanAll(found);
    if (!live) this.#still.add(job_id);
    const message = { job_id, screen: screen.join('\n'), screen_live: live, screen_missing: missing };
    const text = JSON.stringify(message);
    if (this.#last.get(job_id) === text) return;
    this.#last.set(job_id, text);
    this.#streams.tell('screen', message, job_id);
  }
}
