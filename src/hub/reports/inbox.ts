import { statSync } from 'node:fs';
import { monotonic } from '../../base/awake.ts';
import { explain, MamError, systemCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  hasKept,
  listOutbox,
  type OutboxFile,
  readOutboxClaim,
  removeOutboxEntry,
} from '../../bus/spool/outbox.ts';
import type { Claim } from '../../job/claim.ts';
import { type ClaimWay, newTurn } from './claims.ts';
import { wayOf } from './kept-claims.ts';

/** When to retry an event that could not be taken, in ms. */
const RETRY_MS = 1_500;
/** How many jobs' events are taken in parallel, so that the disk writes them together. */
const JOBS_AT_ONCE = 32;
/** A folder's modification time may miss changes that follow this soon (ms) after it. */
const TICK_MS = 50;
/** After reading the names in the outbox, the pause before the next reading, as a multiple of the time that it took. */
const REST_TIMES = 10;
/** Errors of a file that stays as it is until a person fixes it, which may be never. */
const FORBIDDEN = ['EACCES', 'EPERM'];

/** An event that could not be taken, and holds up the later ones of its job. */
interface Stuck {
  /** When to retry it, on the monotonic clock. */
  until: number;
  why: string;
}

/**
 * Takes in the events that publishers kept on disk while they could not reach a hub, in the background: the events of a job
 * in the order in which they were kept, by whichever publisher.
 */
export class Inbox {
  readonly #with;
  /** Records an event; rejects if it must be retried. */
  onEvent: (event: Claim, way: ClaimWay) => Promise<void> = async () => {};
  #draining: Promise<void> | undefined;
  #drainAgain = false;
  #stopped = false;
  /** By job. */
  readonly #stuck = new Map<string, Stuck>();
  /** By job: settles when its kept events were taken, or are stuck. */
  readonly #pending = new Map<string, ReturnType<typeof newTurn>>();
  /** By file: its job, if the name does not say it. */
  readonly #unnamed = new Map<string, string>();
  /** Files that can't be read, which have been logged. */
  readonly #unread = new Set<string>();
  /** The folder's modification time at the last listing. */
  #changed = 0;
  #looksAt = 0;

  constructor(parts: { outbox: string; log: Log }) {
    this.#with = parts;
  }

  /** Finds out which jobs have kept events, so that nothing overtakes these. @throws the system's error */
  async listKept(): Promise<void> {
    await this.#list();
  }

  /** True while events are being taken in, or are stuck. */
  get hasWork(): boolean {
    return this.#draining !== undefined || this.#stuck.size > 0;
  }

  /** Stops taking events. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Waits for a job's kept events, which come before its new ones.
   * @returns when it is the new one's turn; undefined when that is now
   * @throws MamError `io`, as a rejection, when an earlier event of the job is stuck: then this one is kept as well
   */
  earlier(jobId: string): Promise<void> | undefined {
    if (!this.#pending.has(jobId) && this.#hasNew(jobId)) {
      this.#pending.set(jobId, newTurn());
      void this.drain();
    }
    const pending = this.#pending.get(jobId)?.promise;
    if (pending === undefined && !this.#stuck.has(jobId)) return undefined;
    return (async () => {
      await pending;
      const stuck = this.#stuck.get(jobId);
      if (stuck !== undefined)
        throw new MamError('io', `Earlier events of this job are still waiting in the outbox: ${stuck.why}`);
    })();
  }

  /**
   * Retries a job's stuck event now, before its time: a time limit may have passed meanwhile.
   * @returns true when something was taken
   */
  async catchUp(jobId: string): Promise<boolean> {
    const before = this.#stuck.get(jobId);
    if (before === undefined) return false;
    before.until = 0;
    await this.drain();
    return this.#stuck.get(jobId) !== before;
  }

  /** Records all kept events, each job's in order. Failures are logged and retried. */
  drain(): Promise<void> {
    if (this.#draining !== undefined) {
      this.#drainAgain = true;
      return this.#draining;
    }
    this.#draining = (async () => {
      do {
        this.#drainAgain = false;
        await this.#drainOnce().catch((error) => this.#with.log.error('the outbox was not read', error));
      } while (this.#drainAgain && !this.#stopped);
    })().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  async #drainOnce(): Promise<void> {
    const jobs = [...(await this.#list())];
    const lane = async (): Promise<void> => {
      for (let next = jobs.shift(); next !== undefined; next = jobs.shift()) {
        const [jobId, files] = next;
        try {
          await this.#drainJob(jobId, files);
        } finally {
          this.#release(jobId);
        }
      }
    };
    await Promise.all(Array.from({ length: JOBS_AT_ONCE }, lane));
  }

  /** The files of the outbox by job, in order; from now on nothing overtakes them. */
  async #list(): Promise<Map<string, OutboxFile[]>> {
    const changed = changeOf(this.#with.outbox);
    const waiting = [...this.#pending.keys()];
    const files = await listOutbox(this.#with.outbox);
    const there = new Set(files.map(({ file }) => file));
    for (const known of [this.#unnamed, this.#unread])
      for (const file of known.keys()) if (!there.has(file)) known.delete(file);
    const jobs = new Map<string, OutboxFile[]>();
    for (const entry of files) {
      const jobId = entry.jobId ?? (await this.#jobIn(entry.file));
      if (jobId === undefined) continue;
      const before = jobs.get(jobId);
      if (before === undefined) jobs.set(jobId, [entry]);
      else before.push(entry);
    }
    this.#changed = changed;
    for (const jobId of jobs.keys()) if (!this.#pending.has(jobId)) this.#pending.set(jobId, newTurn());
    for (const jobId of this.#stuck.keys()) if (!jobs.has(jobId)) this.#stuck.delete(jobId);
    for (const jobId of waiting) if (!jobs.has(jobId)) this.#release(jobId);
    return jobs;
  }

  /** True when an event of this job may have come into the outbox since it was listed. */
  #hasNew(jobId: string): boolean {
    const began = monotonic();
    if (began < this.#looksAt) return false;
    const changed = changeOf(this.#with.outbox);
    const isListed = changed === this.#changed && Math.abs(Date.now() - changed) > TICK_MS;
    const found = !isListed && hasKept(this.#with.outbox, jobId);
    this.#looksAt = monotonic() + REST_TIMES * (monotonic() - began);
    return found;
  }

  #release(jobId: string): void {
    this.#pending.get(jobId)?.resolve();
    this.#pending.delete(jobId);
  }

  /** Takes the events of one job; a stuck one holds up the later events of its job, and no others. */
  async #drainJob(jobId: string, files: OutboxFile[]): Promise<void> {
    const before = this.#stuck.get(jobId);
    if (before !== undefined && before.until > monotonic()) return;
    for (const { file } of await inOrder(files)) {
      if (this.#stopped) return;
      try {
        const claim = await this.#read(file);
        if (claim === undefined) continue;
        await this.onEvent(claim, wayOf(file));
      } catch (error) {
        const why = explain(error);
        this.#stuck.set(jobId, { until: monotonic() + RETRY_MS, why });
        if (before?.why !== why) this.#with.log.error(`event of ${jobId} stays in the outbox`, error);
        return;
      }
      this.#stuck.delete(jobId);
      // The event is in the journal: a file that stays here is taken again, and changes nothing.
      await removeOutboxEntry({ file }).catch((error) =>
        this.#with.log.error(`${file} was not removed`, error),
      );
    }
  }

  async #jobIn(file: string): Promise<string | undefined> {
    const known = this.#unnamed.get(file) ?? (await this.#read(file).catch(() => undefined))?.job_id;
    if (known !== undefined) this.#unnamed.set(file, known);
    return known;
  }

  /** Undefined for a file that only a person can make readable: no other report waits for it. @throws the system's error */
  async #read(file: string): Promise<Claim | undefined> {
    try {
      return await readOutboxClaim(file);
    } catch (error) {
      if (!this.#unread.has(file)) this.#with.log.error(`the event ${file} cannot be read now`, error);
      this.#unread.add(file);
      if (FORBIDDEN.includes(systemCode(error) ?? '')) return undefined;
      throw error;
    }
  }
}

/** Sorts files. Processes that kept events at the same time may have used the same number: then the claims' time decides. */
async function inOrder(files: readonly OutboxFile[]): Promise<readonly OutboxFile[]> {
  const orders = new Set(files.map(({ order }) => order));
  if (orders.size === files.length) return files;
  const timeOf = async (one: OutboxFile) => {
    const claim = await readOutboxClaim(one.file).catch(() => undefined);
    return { ...one, at: claim?.at ?? '' };
  };
  const timed = await Promise.all(files.map(timeOf));
  return timed.sort((a, b) => a.order - b.order || (a.at < b.at ? -1 : Number(a.at > b.at)));
}

/** When something in a folder was last created, renamed or removed, in ms since 1970; 0 if there is no folder. */
function changeOf(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
