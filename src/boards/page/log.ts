import type { TimelineEntry } from '../../view/timeline.ts';
import type { Host } from './host.ts';
import { LOOK_MS } from './jobs.ts';
import { type Asked, Requests } from './requests.ts';

/** What `job_logs` answers, as far as the page needs it. */
interface Page {
  status: string;
  reason?: string;
  log_dir: string;
  events: TimelineEntry[];
  screen?: string;
  screen_live?: boolean;
  screen_missing?: string;
  cursor: number;
  more: boolean;
}

/** How many entries are read of a long log at first, and how many are kept. */
const LATEST = 100;
const KEPT = 200;

/** One job's audit log and its screen; reads on where it stopped, so that a look at a quiet job costs little. */
export class Log {
  readonly jobId: string;
  entries: TimelineEntry[] = [];
  /** The last page's head: status, screen. */
  head: Page | undefined;
  private readonly host: Host;
  private requests = new Requests();
  private cursor: number | undefined;
  /** True when the log was read from its beginning. */
  private whole = false;

  constructor(host: Host, jobId: string) {
    this.host = host;
    this.jobId = jobId;
  }

  /** The request that the job waits for, if it is not final. */
  get asked(): Asked | undefined {
    const { status = 'queued' } = this.head ?? {};
    return ['completed', 'failed', 'cancelled'].includes(status) ? undefined : this.requests.current;
  }

  /** Reads what is new. @throws as `Host.call` */
  async read(): Promise<void> {
    this.cursor ??= await this.beginning();
    await this.readFrom(this.cursor);
    const { status, reason } = this.head ?? {};
    const waits = status === 'input_required' && (reason === 'question' || reason === 'permission');
    if (!waits || this.asked !== undefined || this.whole) return;
    // It has asked before what was read.
    this.whole = true;
    this.requests = new Requests();
    this.entries = [];
    await this.readFrom(0);
  }

  /** Where the newest entries of a long log begin. */
  private async beginning(): Promise<number> {
    const { cursor } = await this.page(Number.MAX_SAFE_INTEGER, ['events']);
    this.whole = cursor <= LATEST;
    return Math.max(0, cursor - LATEST);
  }

  private async readFrom(start: number): Promise<void> {
    for (let after = start, more = true; more; ) {
      const page = await this.page(after, ['events', 'screen']);
      this.requests.take(page.events);
      this.entries = [...this.entries, ...page.events].slice(-KEPT);
      this.head = page;
      this.cursor = after = page.cursor;
      more = page.more;
    }
  }

  private page(after: number, include: string[]): Promise<Page> {
    return this.host.call<Page>('job_logs', { job_id: this.jobId, after, include }, LOOK_MS);
  }
}
