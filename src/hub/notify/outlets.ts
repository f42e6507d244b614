import { join } from 'node:path';
import type { Log } from '../../base/log.ts';
import { clean } from '../../base/text.ts';
import type { HubBus } from '../../bus/hub-bus.ts';
import { logTopic } from '../../bus/topics.ts';
import { isSettled } from '../../job/apply.ts';
import { writeDerived } from '../../registry/files.ts';
import { OwnPlace } from '../../registry/own-place.ts';
import { journalText } from '../../registry/read-journal.ts';
import type { Seal } from '../../registry/seal.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import { LastScreens } from '../panes/last-screens.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { logMessage } from './log-message.ts';
import { RecordFiles } from './record-files.ts';
import type { RetainedRecords } from './retained-records.ts';

/** How long (ms) to delay the write of a record with nothing new but activity: a burst of events is one write. */
const RECORD_DELAY_MS = 200;

/** Publishes recorded events on the job's topics, and writes `job.json` and, at the end, the audit files. */
export class Outlets {
  readonly #with;
  readonly #files: RecordFiles;
  /** Called when nothing of a job is left to write. */
  onKept: (job: LiveJob) => void = () => {};
  readonly screens: LastScreens;
  /** By job id. */
  readonly #due = new Map<string, { job: LiveJob; timer: NodeJS.Timeout }>();
  readonly #archiving = new Map<LiveJob, Promise<void>>();

  constructor(parts: {
    seal: Seal;
    retained: RetainedRecords;
    buses: HubBus[];
    servers: TmuxServers;
    log: Log;
    realm: string;
    host: string;
  }) {
    const { seal, log } = parts;
    this.#files = new RecordFiles({ seal, log, onWritten: (job) => this.#kept(job) });
    this.#with = parts;
    this.screens = new LastScreens(parts.servers, (job, lines) => this.#keepScreen(job, lines));
  }

  onRecorded(job: LiveJob, recorded: Recorded): void {
    const { event, before, after } = recorded;
    const isReplica = job.replica !== undefined;
    const message = logMessage(recorded);
    const [topic, text] = [logTopic(this.#with.realm, this.#with.host, job.id), JSON.stringify(message)];
    // Others hear of another host's job from that host.
    for (const bus of isReplica ? this.#own : this.#with.buses) bus.publish(topic, text);
    if (!isReplica) this.screens.onRecorded(job, event);
    // The job's files are gone.
    if (job.isRetired) {
      this.#forget(job.id);
      return;
    }
    const moved =
      before?.status !== after.status || before.phase !== after.phase || before.reason !== after.reason;
    // In the next turn of the event loop at the earliest: the message above leaves when this one ends.
    if (moved) this.#schedule(job, 0);
    else if (!this.#due.has(job.id)) this.#schedule(job, RECORD_DELAY_MS);
    // Its pictures and files come from its home.
    if (isReplica) return;
    if (isSettled(after) && before !== undefined && !isSettled(before))
      this.#keep(job, () => this.#archive(job));
    else if (event.late === true) this.#keep(job, () => this.#copyJournal(job));
  }

  /** The hub's own broker. */
  get #own(): HubBus[] {
    return this.#with.buses.slice(0, 1);
  }

  isBusy(job: LiveJob): boolean {
    return this.#due.has(job.id) || this.#files.isDue(job.id) || this.#archiving.has(job);
  }

  /** Resolves when the files of an ended job are kept, with the screen at the end of its agent's turn. */
  async archived(job: LiveJob): Promise<void> {
    await this.#archiving.get(job);
    await this.screens.taken(job);
  }

  catchUp(job: LiveJob): void {
    this.#files.write(job);
  }

  /** Clears what is published about a removed job: later subscribers find nothing. */
  clear(jobId: string): void {
    this.screens.forget(jobId);
    this.#forget(jobId);
    this.#with.retained.clear(jobId);
  }

  /** Writes now what is pending. */
  async flush(): Promise<void> {
    await this.screens.stop();
    for (const { job } of [...this.#due.values()]) this.#write(job);
    await this.#files.flush();
  }

  #forget(jobId: string): void {
    this.#undue(jobId);
    this.#files.forget(jobId);
  }

  #undue(jobId: string): void {
    clearTimeout(this.#due.get(jobId)?.timer);
    this.#due.delete(jobId);
  }

  #schedule(job: LiveJob, delay: number): void {
    this.#undue(job.id);
    this.#due.set(job.id, { job, timer: setTimeout(() => this.#write(job), delay) });
  }

  #write(job: LiveJob): void {
    this.#undue(job.id);
    if (job.replica === undefined) this.#with.retained.put(job);
    this.#files.write(job);
  }

  #kept(job: LiveJob): void {
    if (!this.isBusy(job)) this.onKept(job);
  }

  #keep(job: LiveJob, work: () => Promise<void>): void {
    const done = work().finally(() => {
      if (this.#archiving.get(job) === done) this.#archiving.delete(job);
      this.#kept(job);
    });
    this.#archiving.set(job, done);
  }

  /** Keeps the pane's last screen, and the audit files if a separate log folder was asked for. */
  async #archive(job: LiveJob): Promise<void> {
    await this.#copyJournal(job);
    await this.screens.takePicture(job);
  }

  async #keepScreen(job: LiveJob, lines: readonly string[]): Promise<void> {
    if (job.isRetired) return;
    await this.#keepFile(job, 'screen.txt', () => `${clean(lines.join('\n')).trimEnd()}\n`);
  }

  /** Copies the journal, if a separate log folder was asked for. */
  async #copyJournal(job: LiveJob): Promise<void> {
    if (job.record.log_dir === job.paths.folder) return;
    await this.#keepFile(job, 'events.jsonl', () => journalText(job.paths.journal));
  }

  async #keepFile(job: LiveJob, name: string, text: () => string): Promise<void> {
    try {
      logPlace(job).check();
      await writeDerived(join(job.record.log_dir, name), text());
    } catch (error) {
      this.#with.log.error(`${name} of ${job.id} was not kept`, error);
    }
  }
}

/** The folder of a job's audit files. */
export function logPlace({ paths, ground, record }: LiveJob): OwnPlace {
  return record.log_dir === paths.folder ? ground : new OwnPlace(record.log_dir);
}
