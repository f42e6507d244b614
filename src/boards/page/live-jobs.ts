import type { JobRow } from '../../job/row.ts';
import { type Heard, rowAfter } from '../model/live.ts';
import { type JobList, REPLY_TIMEOUT_MS } from './jobs.ts';
import type { WebHost } from './web-host.ts';

/** The most rows that the server returns at once. */
const PAGE = 200;

/** An event as the server of `mam web` passes it on. */
export interface News {
  /** Its number: an answer that had `seen` at least that many contains it. */
  seen: number;
  heard: Heard;
  /** The row of a job that was made with it. */
  row?: JobRow;
}

/**
 * The jobs of the registry, kept up to date by events: all open ones, and the newest of the others. Answers and events
 * come over different connections, so each row knows up to which event it is current, and the newer one wins.
 */
export class LiveJobs {
  readonly #host: WebHost;
  readonly #rows = new Map<string, { row: JobRow; seen: number }>();
  /** Events that came while rows were being fetched. */
  #meanwhile: News[] = [];
  #fetching = 0;
  #cursor: string | undefined;
  #total = 0;

  constructor(host: WebHost) {
    this.#host = host;
  }

  get list(): JobList {
    const jobs = [...this.#rows.values()].map(({ row }) => row);
    const total = Math.max(this.#total, jobs.length);
    return { jobs, total, ...(this.#cursor !== undefined && { cursor: this.#cursor }) };
  }

  has(jobId: string): boolean {
    return this.#rows.has(jobId);
  }

  /** Fetches everything again: after the stream was lost, nothing else says what happened, or was removed. */
  async reload(): Promise<void> {
    await this.#while(async () => {
      const known = new Set<string>();
      const wanted = this.#rows.size;
      let cursor: string | undefined;
      do {
        const page = await this.#fetch({ open_only: true, cursor }, known);
        cursor = page.cursor;
      } while (cursor !== undefined);
      do {
        cursor = (await this.#fetch({ cursor }, known)).cursor;
      } while (cursor !== undefined && known.size < wanted);
      this.#cursor = cursor;
      for (const id of this.#rows.keys()) if (!known.has(id)) this.#rows.delete(id);
    });
  }

  /** Fetches older jobs. @returns false if there are none, or others are being fetched */
  async more(): Promise<boolean> {
    if (this.#cursor === undefined || this.#fetching > 0) return false;
    await this.#while(async () => {
      this.#cursor = (await this.#fetch({ cursor: this.#cursor })).cursor;
    });
    return true;
  }

  /** Applies an event. @returns false if it changed nothing that is known */
  hear(news: News): boolean {
    if (this.#fetching > 0) this.#meanwhile.push(news);
    const { seen, heard, row: made } = news;
    const { job_id } = heard.event;
    const known = this.#rows.get(job_id);
    if (known === undefined && made === undefined) return false;
    if (known !== undefined && known.seen >= seen) return false;
    if (known === undefined) this.#total++;
    const before = known?.row ?? (made as JobRow);
    this.#rows.set(job_id, { row: rowAfter(before, heard), seen });
    return true;
  }

  async #fetch(filter: object, known?: Set<string>): Promise<JobList> {
    const args = { ...filter, limit: PAGE };
    const { answer, seen } = await this.#host.ask<JobList>('list_jobs', args, REPLY_TIMEOUT_MS);
    for (const row of answer.jobs) {
      known?.add(row.job_id);
      const before = this.#rows.get(row.job_id);
      if (before === undefined || before.seen <= seen) this.#rows.set(row.job_id, { row, seen });
    }
    this.#total = answer.total;
    return answer;
  }

  async #while(work: () => Promise<void>): Promise<void> {
    this.#fetching++;
    try {
      await work();
    } finally {
      if (--this.#fetching === 0) {
        const missed = this.#meanwhile;
        this.#meanwhile = [];
        for (const news of missed) this.hear(news);
      }
    }
  }
}
