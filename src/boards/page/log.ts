import type { JobHome } from '../../job/home.ts';
import type { PeerRequest } from '../../job/record.ts';
import type { TimelineEntry } from '../../view/shapes.ts';
import type { Host } from './host.ts';
import { REPLY_TIMEOUT_MS } from './jobs.ts';

/** What `job_logs` answers, as far as the page needs it. */
interface Page {
  /** What the job waits for: a permission takes precedence over a question. */
  open_request?: PeerRequest;
  /** Of a job on another machine. */
  home?: JobHome;
  /** What the job has changed in git, and what became of its branch. */
  changes?: string;
  work?: string;
  /** The length of the whole task; only a person's page gets it. */
  prompt_bytes?: number;
  events: TimelineEntry[];
  screen?: string;
  screen_live?: boolean;
  screen_missing?: string;
  cursor: number;
  more: boolean;
}

/** How many entries of a long log are read at first, and how many are kept. */
const LATEST = 100;
const KEPT = 200;

/** One job's audit log and its screen. Each read continues where the last one stopped, so that a quiet job costs little. */
export class Log {
  readonly jobId: string;
  entries: TimelineEntry[] = [];
  readonly #host: Host;
  #cursor: number | undefined;
  #kept = KEPT;
  #page: Page | undefined;
  /** A screen that came by itself. */
  #screen: Partial<Page> = {};

  constructor(host: Host, jobId: string) {
    this.#host = host;
    this.jobId = jobId;
  }

  /** The last page's head: its open request and its screen. */
  get head(): Page | undefined {
    return this.#page && { ...this.#page, ...this.#screen };
  }

  /** Takes a screen that the server sent by itself, as a person's page gets it. */
  takeScreen({ screen, screen_live, screen_missing }: Partial<Page>): void {
    this.#screen = { screen, screen_live, screen_missing } as Partial<Page>;
  }

  /** Reads what is new. @throws as `Host.call` */
  async read(): Promise<void> {
    this.#cursor ??= await this.#beginning();
    for (let more = true; more; ) {
      const page = await this.#read(this.#cursor, this.#host.isPersons ? ['events'] : ['events', 'screen']);
      this.entries = [...this.entries, ...page.events].slice(-this.#kept);
      this.#page = page;
      this.#cursor = page.cursor;
      more = page.more;
    }
  }

  /** True if the log has entries before those that were read. */
  get hasOlder(): boolean {
    return this.#firstSeq > 1;
  }

  /** Reads the entries before those that were read; from then on all are kept. @throws as `Host.call` */
  async readOlder(): Promise<void> {
    const end = this.#firstSeq - 1;
    const older: TimelineEntry[] = [];
    for (let after = Math.max(0, end - LATEST); after < end; ) {
      const { events, cursor } = await this.#read(after, ['events']);
      if (cursor <= after) break;
      older.push(...events.filter(({ seq }) => seq <= end));
      after = cursor;
    }
    this.#kept = Number.POSITIVE_INFINITY;
    this.entries = [...older, ...this.entries];
  }

  get #firstSeq(): number {
    return this.entries[0]?.seq ?? 1;
  }

  /** Where the newest entries of a long log begin. */
  async #beginning(): Promise<number> {
    const { cursor } = await this.#read(Number.MAX_SAFE_INTEGER, ['events']);
    return Math.max(0, cursor - LATEST);
  }

  #read(after: number, include: string[]): Promise<Page> {
    return this.#host.call<Page>('job_logs', { job_id: this.jobId, after, include }, REPLY_TIMEOUT_MS);
  }
}
