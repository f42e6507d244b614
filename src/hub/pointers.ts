import { systemCode } from '../errors.ts';
import { type Home, removePointer, writePointer } from '../registry/home.ts';
import type { Log } from './log.ts';

/** Where the jobs lie of which a hub has something left to do: the next hub takes up just those. */
export class Pointers {
  private readonly home: Home;
  private readonly log: Log;
  private readonly held = new Set<string>();

  constructor(home: Home, log: Log) {
    this.home = home;
    this.log = log;
  }

  /** Writes a job's pointer, unless it is there. @throws the system's error when it can't be written */
  put(jobId: string, registryDir: string): void {
    if (this.held.has(jobId)) return;
    writePointer(this.home, jobId, registryDir);
    this.held.add(jobId);
  }

  /** The same for a job that is there already: one without a pointer is in the log, and goes on. */
  tryPut(jobId: string, registryDir: string): void {
    try {
      this.put(jobId, registryDir);
    } catch (error) {
      this.log.warn(`pointer of ${jobId} was not written (${systemCode(error) ?? 'unknown error'})`);
    }
  }

  /** Takes over a pointer that the last hub has left. */
  adopt(jobId: string): void {
    this.held.add(jobId);
  }

  /** Removes a job's pointer. One that can't be removed is in the log: the next hub finds nothing to do there. */
  remove(jobId: string): void {
    if (!this.held.delete(jobId)) return;
    try {
      removePointer(this.home, jobId);
    } catch (error) {
      this.log.warn(`pointer of ${jobId} was not removed (${systemCode(error) ?? 'unknown error'})`);
    }
  }
}
