import { existsSync, mkdirSync, statSync } from 'node:fs';
import { awake } from '../../base/awake.ts';
import { systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../base/folders.ts';
import type { Log } from '../../base/log.ts';
import { type Home, type Pointer, removePointer, writePointer } from '../../registry/home.ts';
import type { ClockMark } from './job-clock.ts';
import type { LiveJob } from './live-job.ts';

/** A jump of the wall clock by this much (ms) means that it was set, or that the machine slept. */
const SET_MS = 1_000;

/** The places of the jobs that the hub still has work for: the next hub takes up just those. */
export class Pointers {
  readonly #home: Home;
  readonly #log: Log;
  readonly #held = new Set<string>();
  /** When the folder was last seen to change. */
  #changed: number | undefined;
  /** By registry: the number of its disk. */
  readonly #devices = new Map<string, number>();
  #ahead = Date.now() - awake.now();

  constructor(home: Home, log: Log) {
    this.#home = home;
    this.#log = log;
  }

  /** Writes a job's pointer, unless it is there. @throws the system's error when it can't be written */
  put(job: LiveJob): void {
    if (this.#held.has(job.id)) return;
    // The folder may have been removed under this hub; a home that is gone is not recreated here.
    if (!existsSync(this.#home.live)) mkdirSync(this.#home.live, { mode: 0o700 });
    this.#write(job);
    this.#held.add(job.id);
  }

  /** The same for a job that already exists: it continues without a pointer, and the log says so. */
  tryPut(job: LiveJob): void {
    try {
      this.put(job);
    } catch (error) {
      this.#notWritten(job, error);
    }
  }

  /** Rewrites the pointer of a job that is in another folder now. */
  renew(job: LiveJob): void {
    this.#held.delete(job.id);
    this.tryPut(job);
  }

  /** Takes over a pointer that the last hub left. */
  adopt(jobId: string): void {
    this.#held.add(jobId);
  }

  /** Removes a pointer. A failure is only logged: the next hub will find nothing to do there. */
  remove(jobId: string): void {
    if (!this.#held.delete(jobId)) return;
    try {
      removePointer(this.#home, jobId);
    } catch (error) {
      this.#log.warn(`pointer of ${jobId} was not removed (${systemCode(error) ?? 'unknown error'})`);
    }
  }

  /** Rewrites removed pointers, and all of them after the clock was set, since they hold the state of the jobs' clocks. */
  restoreRemoved(jobs: Iterable<LiveJob>): void {
    const ahead = Date.now() - awake.now();
    const isSet = Math.abs(ahead - this.#ahead) > SET_MS;
    if (isSet) this.#ahead = ahead;
    const changed = statSync(this.#home.live, { throwIfNoEntry: false })?.mtimeMs;
    if (!isSet && changed !== undefined && changed === this.#changed) return;
    this.#changed = changed;
    for (const job of jobs) {
      if (!this.#held.has(job.id) || (!isSet && existsSync(`${this.#home.live}/${job.id}`))) continue;
      try {
        makeFolder(this.#home.live);
        this.#write(job);
      } catch (error) {
        this.#notWritten(job, error);
      }
    }
  }

  #notWritten({ id }: LiveJob, error: unknown): void {
    this.#log.warn(`pointer of ${id} was not written (${systemCode(error) ?? 'unknown error'})`);
  }

  #write(job: LiveJob): void {
    // The job's own folder counts, whatever is at its path now.
    const there = statSync(job.registryDir, { throwIfNoEntry: false });
    const inode = job.registryInode ?? there?.ino;
    if (there !== undefined && there.ino === inode) this.#devices.set(job.registryDir, there.dev);
    const note = { ...job.clock.mark(), inode, dev: this.#devices.get(job.registryDir) };
    writePointer(this.#home, { jobId: job.id, registryDir: job.registryDir, note });
  }
}

/** What a pointer says about its job's clocks; undefined when no hub, or one of an earlier version, wrote it. */
export function markOf({ note }: Pointer): ClockMark | undefined {
  const { boot, mono, wall, spent, quiet } = (note ?? {}) as Record<keyof ClockMark, unknown>;
  const areNumbers = [mono, wall, quiet].every(Number.isFinite);
  const fits = typeof boot === 'string' && areNumbers && (spent === undefined || Number.isFinite(spent));
  return fits ? (note as ClockMark) : undefined;
}
