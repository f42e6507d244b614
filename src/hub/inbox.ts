import { listOutbox, type OutboxFile, readOutboxClaim, removeOutboxEntry } from '../bus/outbox.ts';
import { explain, MamError } from '../errors.ts';
import { monotonic } from './awake.ts';
import type { Claims } from './claims.ts';
import { wayOf } from './kept-claims.ts';
import type { Log } from './log.ts';

/** What could not be taken is not tried again earlier, in ms. */
const AGAIN_MS = 1_500;
/** So many writers' events are taken side by side: the disk then takes them together. */
const WRITERS_AT_ONCE = 32;

/** An event that could not be taken. */
interface Stuck {
  jobId: string;
  /** When it is tried again, on the clock that nobody sets. */
  until: number;
  why: string;
}

/** What somebody waits for. */
interface Turn {
  promise: Promise<void>;
  resolve: () => void;
}

/** Takes in what publishers kept on disk while they could not reach a hub, between all else that the hub does. */
export class Inbox {
  private readonly claims: Claims;
  private readonly outbox: string;
  private readonly log: Log;
  private draining: Promise<void> | undefined;
  private drainAgain = false;
  private stopped = false;
  /** By file. */
  private readonly stuck = new Map<string, Stuck>();
  /** The jobs of events that wait behind one that is stuck, by file: spares a look into each. */
  private readonly behind = new Map<string, string>();
  /** By writer: settles when what it has kept was taken, or is stuck. */
  private readonly pending = new Map<string, Turn>();

  constructor(options: { claims: Claims; outbox: string; log: Log }) {
    this.claims = options.claims;
    this.outbox = options.outbox;
    this.log = options.log;
  }

  /** Finds out who has events here, so that nothing overtakes them. @throws the system's error */
  async look(): Promise<void> {
    await this.list();
  }

  /** True while events are taken in. */
  get isBusy(): boolean {
    return this.draining !== undefined;
  }

  /** True while events are kept that can't be taken now. */
  get isWaiting(): boolean {
    return this.stuck.size > 0;
  }

  /** Takes no more. */
  stop(): void {
    this.stopped = true;
  }

  /**
   * What a publisher has kept comes before what it says now.
   * @returns when its turn is there; nothing when that is now
   * @throws MamError `io`, later, when an earlier event of the same job is stuck: then this one is kept as well
   */
  earlier(writer: string, jobId: string): Promise<void> | undefined {
    const pending = this.pending.get(writer)?.promise;
    const isStuck = this.stuck.size > 0 && this.isStuck(writer, jobId);
    if (pending === undefined && !isStuck) return undefined;
    return (async () => {
      await pending;
      if (this.isStuck(writer, jobId))
        throw new MamError('io', 'Earlier events of this publisher still wait in the outbox.');
    })();
  }

  /**
   * Takes what is stuck of a job now, without waiting for its time: a limit may have passed meanwhile.
   * @returns true when something of it was taken
   */
  async catchUp(jobId: string): Promise<boolean> {
    const of = () => [...this.stuck.values()].filter((one) => one.jobId === jobId);
    const before = of();
    if (before.length === 0) return false;
    for (const one of before) one.until = 0;
    await this.drain();
    return of().length < before.length;
  }

  /** Records all that is there, each writer's events in their order. What fails is in the log, and tried again. */
  drain(): Promise<void> {
    if (this.draining !== undefined) {
      this.drainAgain = true;
      return this.draining;
    }
    this.draining = (async () => {
      do {
        this.drainAgain = false;
        await this.drainOnce().catch((error) => this.log.error('the outbox was not read', error));
      } while (this.drainAgain && !this.stopped);
    })().finally(() => {
      this.draining = undefined;
    });
    return this.draining;
  }

  private async drainOnce(): Promise<void> {
    const writers = [...(await this.list())];
    const lane = async (): Promise<void> => {
      for (let next = writers.shift(); next !== undefined; next = writers.shift()) {
        const [writer, files] = next;
        try {
          await this.drainWriter(files);
        } finally {
          this.release(writer);
        }
      }
    };
    await Promise.all(Array.from({ length: WRITERS_AT_ONCE }, lane));
  }

  /** The files of the outbox by writer, in their order; from now on nothing overtakes them. */
  private async list(): Promise<Map<string, OutboxFile[]>> {
    const files = await listOutbox(this.outbox);
    const there = new Set(files.map(({ file }) => file));
    for (const known of [this.stuck, this.behind])
      for (const file of known.keys()) if (!there.has(file)) known.delete(file);
    const writers = new Map<string, OutboxFile[]>();
    for (const entry of files) {
      const before = writers.get(entry.writer);
      if (before === undefined) writers.set(entry.writer, [entry]);
      else before.push(entry);
    }
    for (const writer of writers.keys()) if (!this.pending.has(writer)) this.pending.set(writer, newTurn());
    for (const writer of this.pending.keys()) if (!writers.has(writer)) this.release(writer);
    return writers;
  }

  private release(writer: string): void {
    this.pending.get(writer)?.resolve();
    this.pending.delete(writer);
  }

  /** What is stuck holds up the later events of its job, and no others. */
  private async drainWriter(files: OutboxFile[]): Promise<void> {
    const held = new Set<string>();
    for (const { file } of files) {
      if (this.stopped) return;
      const before = this.stuck.get(file);
      const known = before?.jobId ?? this.behind.get(file);
      if (before !== undefined && before.until > monotonic()) held.add(before.jobId);
      if (known !== undefined && held.has(known)) continue;
      // It can't be read now: whose it is, and what comes after it, is known later.
      const claim = await readOutboxClaim(file).catch((error) => this.unread(file, error));
      if (claim === 'unread') return;
      if (claim === undefined) continue;
      const { job_id: jobId } = claim;
      if (held.has(jobId)) {
        this.behind.set(file, jobId);
        continue;
      }
      try {
        await this.claims.take(jobId, JSON.stringify(claim), wayOf(file));
        await removeOutboxEntry({ file });
        this.stuck.delete(file);
        this.behind.delete(file);
      } catch (error) {
        const why = explain(error);
        held.add(jobId);
        this.stuck.set(file, { jobId, until: monotonic() + AGAIN_MS, why });
        if (before?.why !== why) this.log.error(`event of ${jobId} stays in the outbox`, error);
      }
    }
  }

  private unread(file: string, error: unknown): 'unread' {
    this.log.error(`the event ${file} cannot be read now`, error);
    return 'unread';
  }

  private isStuck(writer: string, jobId: string): boolean {
    return [...this.stuck].some(([file, stuck]) => stuck.jobId === jobId && file.includes(`/${writer}-`));
  }
}

function newTurn(): Turn {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
