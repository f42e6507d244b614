import type { AwayRegistry } from '../job/request.ts';
import type { Pointer } from '../registry/home.ts';
import type { Log } from './log.ts';

/** Live jobs whose registry can't be looked into now: nothing of them is forgotten, and they are taken up when it is back. */
export class AwayJobs {
  private readonly log: Log;
  private readonly away = new Map<string, { pointer: Pointer; why: string }>();

  constructor(log: Log) {
    this.log = log;
  }

  get pointers(): Pointer[] {
    return [...this.away.values()].map(({ pointer }) => pointer);
  }

  /** By registry, for people. */
  get registries(): AwayRegistry[] {
    const all = new Map<string, string[]>();
    for (const { jobId, registryDir } of this.pointers)
      all.set(registryDir, [...(all.get(registryDir) ?? []), jobId]);
    return [...all].map(([dir, jobs]) => ({ registry_dir: dir || '(not known)', jobs }));
  }

  get(jobId: string): Pointer | undefined {
    return this.away.get(jobId)?.pointer;
  }

  put(pointer: Pointer, why: string): void {
    const { jobId, registryDir } = pointer;
    if (this.away.get(jobId)?.why !== why)
      this.log.warn(`job ${jobId} waits for its registry ${registryDir || '(not known)'}: ${why}`);
    this.away.set(jobId, { pointer, why });
  }

  delete(jobId: string): void {
    this.away.delete(jobId);
  }
}
