import { join } from 'node:path';
import type { HubBus } from '../bus/hub-bus.ts';
import { logTopic, recordTopic } from '../bus/topics.ts';
import { isSettled } from '../job/apply.ts';
import type { LogMessage } from '../job/request.ts';
import { standingOf } from '../job/standing.ts';
import { clean } from '../job/text.ts';
import { writeDerived } from '../registry/files.ts';
import { recordText } from '../registry/fold.ts';
import { journalText } from '../registry/journal.ts';
import { OwnPlace } from '../registry/own-place.ts';
import type { Seal } from '../registry/seal.ts';
import { capture } from '../tmux/screen.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Log } from './log.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** A record that only got a new sign of life is written this much later, in ms: a burst of events is one write. */
const GATHER_MS = 200;
/** The retained record of an ended job is cleared after this time, in ms. */
const RETAINED_MS = 10 * 60 * 1000;

/** Carries recorded events out: on the job's topics, into `job.json`, and into the audit files at the end. */
export class Outlets {
  private readonly seal: Seal;
  private readonly buses: HubBus[];
  private readonly servers: TmuxServers;
  private readonly log: Log;
  private readonly realm: string;
  private readonly host: string;
  private readonly due = new Map<LiveJob, NodeJS.Timeout>();
  private readonly writing = new Map<LiveJob, Promise<void>>();
  private readonly archiving = new Set<LiveJob>();

  constructor(options: {
    seal: Seal;
    buses: HubBus[];
    servers: TmuxServers;
    log: Log;
    realm: string;
    host: string;
  }) {
    this.seal = options.seal;
    this.buses = options.buses;
    this.servers = options.servers;
    this.log = options.log;
    this.realm = options.realm;
    this.host = options.host;
  }

  onRecorded(job: LiveJob, { event, before, after }: Recorded): void {
    const message: LogMessage = {
      event,
      ...standingOf(after),
      ...(after.wake_seq === event.seq && { record: after }),
    };
    this.publish(logTopic(this.realm, this.host, job.id), JSON.stringify(message), false);
    // Its files are gone.
    if (job.isRetired) {
      this.forget(job);
      return;
    }
    const moved =
      before?.status !== after.status || before.phase !== after.phase || before.reason !== after.reason;
    // At the earliest in the next turn: the message above leaves when this one ends.
    if (moved) this.schedule(job, 0);
    else if (!this.due.has(job)) this.schedule(job, GATHER_MS);
    if (isSettled(after) && before !== undefined && !isSettled(before))
      this.keep(job, () => this.archive(job));
    else if (event.late === true) this.keep(job, () => this.copyJournal(job));
  }

  /** True while something of a job is still to be written. */
  isBusy(job: LiveJob): boolean {
    return this.due.has(job) || this.writing.has(job) || this.archiving.has(job);
  }

  /** A job is gone: who comes to its topics late finds nothing. */
  clear(jobId: string): void {
    this.publish(recordTopic(this.realm, this.host, jobId), '', true);
  }

  /** Writes what is due now. */
  async flush(): Promise<void> {
    for (const job of [...this.due.keys()]) this.write(job);
    await Promise.all(this.writing.values());
  }

  private forget(job: LiveJob): void {
    clearTimeout(this.due.get(job));
    this.due.delete(job);
  }

  private publish(topic: string, payload: string, retain: boolean): void {
    for (const bus of this.buses) bus.publish(topic, payload, { retain });
  }

  private schedule(job: LiveJob, delay: number): void {
    clearTimeout(this.due.get(job));
    this.due.set(
      job,
      setTimeout(() => this.write(job), delay),
    );
  }

  private write(job: LiveJob): void {
    this.forget(job);
    const { record } = job;
    const topic = recordTopic(this.realm, this.host, job.id);
    this.publish(topic, JSON.stringify(record), true);
    if (isSettled(record)) setTimeout(() => this.publish(topic, '', true), RETAINED_MS).unref();
    // One write at a time for a job, so that an older record never replaces a newer one.
    const last = this.writing.get(job) ?? Promise.resolve();
    const next = last
      .then(() => {
        job.ground.check();
        return writeDerived(job.paths.record, recordText(job.record, this.seal));
      })
      .catch((error) => this.log.error(`record of ${job.id} was not written`, error))
      .finally(() => {
        if (this.writing.get(job) === next) this.writing.delete(job);
      });
    this.writing.set(job, next);
  }

  private keep(job: LiveJob, work: () => Promise<void>): void {
    this.archiving.add(job);
    void work().finally(() => this.archiving.delete(job));
  }

  /** Keeps the pane as it was at the end, and the audit files where a separate log folder was asked for. */
  private async archive(job: LiveJob): Promise<void> {
    const { agent_session: session, log_dir: logDir } = job.record;
    await this.copyJournal(job);
    try {
      if (session !== undefined) {
        const screen = await capture(this.servers.get(session.socket), session.pane).catch(() => undefined);
        if (screen !== undefined) {
          logPlace(job).check();
          await writeDerived(join(logDir, 'screen.txt'), `${clean(screen.join('\n')).trimEnd()}\n`);
        }
      }
    } catch (error) {
      this.log.error(`audit files of ${job.id} were not written`, error);
    }
  }

  /** The journal's copy, where a separate log folder was asked for. */
  private async copyJournal(job: LiveJob): Promise<void> {
    const { id, paths, record } = job;
    if (record.log_dir === paths.folder) return;
    try {
      logPlace(job).check();
      await writeDerived(join(record.log_dir, 'events.jsonl'), journalText(paths.journal));
    } catch (error) {
      this.log.error(`the journal of ${id} was not copied`, error);
    }
  }
}

/** The folder of a job's audit files. */
export function logPlace({ paths, ground, record }: LiveJob): OwnPlace {
  return record.log_dir === paths.folder ? ground : new OwnPlace(record.log_dir);
}
