import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { makeFolder, namesIn } from '../../base/folders.ts';
import { isJobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { HubBus } from '../../bus/hub-bus.ts';
import { isLevel, recordTopic } from '../../bus/topics.ts';
import { isSettled } from '../../job/apply.ts';
import { type Home, lineOf, retainedPlace } from '../../registry/home.ts';
import { readForeign } from '../../trust/files.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** The retained record of an ended job is cleared after this time, in ms. */
const RETAINED_MS = 10 * 60 * 1000;

/** The file, next to the notes, with the names of this machine, the current one last. */
const HOSTS_FILE = '.hosts';
const MOST_HOSTS = 8;

/**
 * The jobs' records on their retained topics. Those of ended jobs are noted on the disk: the hub that runs when their time
 * is over clears them, and until then every hub publishes them again on a broker that has forgotten them, as the embedded
 * one does with each hub.
 */
export class RetainedRecords {
  readonly #with;
  /** The ended jobs whose records are retained. */
  readonly #ended = new Map<string, { registryDir: string; timer: NodeJS.Timeout }>();
  /** Records to be cleared on a broker that is not joined yet. */
  readonly #overdue = new Set<string>();
  #complete: boolean;
  /** The names of this machine under earlier hubs: records under them would stay forever. */
  #earlierHosts: string[] = [];

  constructor(parts: {
    home: Home;
    buses: HubBus[];
    realm: string;
    host: string;
    log: Log;
    /** True if an external broker is to be joined as well. */
    external: boolean;
  }) {
    this.#with = parts;
    this.#complete = !parts.external;
  }

  /** Takes over the last hub's notes. */
  takeUp(): void {
    // The hub's own broker forgets everything when its hub ends.
    if (!this.#complete) this.#noteHost();
    for (const jobId of namesIn(this.#with.home.retained).filter(isJobId)) {
      const path = join(this.#with.home.retained, jobId);
      try {
        const left = statSync(path).mtimeMs + RETAINED_MS - Date.now();
        if (left <= 0) this.clear(jobId);
        else this.#arm(jobId, retainedPlace(this.#with.home, jobId) ?? '', Math.min(left, RETAINED_MS));
      } catch (error) {
        this.#warn(`the note ${path} cannot be read`, error);
      }
    }
  }

  /** The ended jobs whose records are retained now, with their registries. */
  get jobs(): { jobId: string; registryDir: string }[] {
    return [...this.#ended].map(([jobId, { registryDir }]) => ({ jobId, registryDir }));
  }

  put(job: LiveJob): void {
    if (isSettled(job.record)) this.#note(job);
    else if (this.#ended.has(job.id)) this.#forget(job.id);
    for (const bus of this.#with.buses) this.show(job, bus);
  }

  /** Publishes a job's record on one broker. @param first the broker was just joined */
  show({ id, record }: LiveJob, bus: HubBus, first = false): void {
    if (first) for (const topic of this.#earlierTopics(id)) bus.publish(topic, '', { retain: true });
    bus.publish(this.#topic(id), JSON.stringify(record), { retain: true });
  }

  /** Removes a job's record. */
  clear(jobId: string): void {
    for (const bus of this.#with.buses) this.#empty(jobId, bus);
    if (this.#complete) this.#forget(jobId);
    else this.#overdue.add(jobId);
  }

  /**
   * The hub ends, and nobody may start another one for a long time. The notes stay: the next hub clears what a broker did
   * not get now.
   */
  clearAll(): void {
    for (const jobId of this.#ended.keys()) for (const bus of this.#with.buses) this.#empty(jobId, bus);
  }

  /** A broker was joined. @param last no other one is still to be joined */
  joined(bus: HubBus, last: boolean): void {
    for (const jobId of this.#overdue) this.#empty(jobId, bus);
    this.#complete ||= last;
    if (!last) return;
    for (const jobId of this.#overdue) this.#forget(jobId);
    this.#overdue.clear();
  }

  #note({ id, registryDir }: LiveJob): void {
    this.#overdue.delete(id);
    this.#arm(id, registryDir, RETAINED_MS);
    try {
      // The folder may have been removed under this hub.
      makeFolder(this.#with.home.retained);
      writeFileSync(join(this.#with.home.retained, id), `${lineOf(registryDir)}\n`, { mode: 0o600 });
    } catch (error) {
      this.#warn(`the end of ${id} was not noted`, error);
    }
  }

  #arm(jobId: string, registryDir: string, ms: number): void {
    clearTimeout(this.#ended.get(jobId)?.timer);
    this.#ended.set(jobId, { registryDir, timer: setTimeout(() => this.clear(jobId), ms).unref() });
  }

  #forget(jobId: string): void {
    clearTimeout(this.#ended.get(jobId)?.timer);
    this.#ended.delete(jobId);
    try {
      rmSync(join(this.#with.home.retained, jobId), { force: true });
    } catch (error) {
      this.#warn(`the note of ${jobId} was not removed`, error);
    }
  }

  #empty(jobId: string, bus: HubBus): void {
    for (const topic of [this.#topic(jobId), ...this.#earlierTopics(jobId)])
      bus.publish(topic, '', { retain: true });
  }

  #topic(jobId: string): string {
    return recordTopic(this.#with.realm, this.#with.host, jobId);
  }

  #earlierTopics(jobId: string): string[] {
    return this.#earlierHosts.map((host) => recordTopic(this.#with.realm, host, jobId));
  }

  #noteHost(): void {
    const path = join(this.#with.home.retained, HOSTS_FILE);
    try {
      const known = existsSync(path) ? readForeign(path).split('\n').filter(isLevel) : [];
      this.#earlierHosts = known.filter((host) => host !== this.#with.host).slice(-MOST_HOSTS);
      if (known.at(-1) === this.#with.host) return;
      const text = [...this.#earlierHosts, this.#with.host].join('\n');
      writeFileSync(path, `${text}\n`, { mode: 0o600 });
    } catch (error) {
      this.#warn(`the machine's name was not noted in ${path}`, error);
    }
  }

  #warn(what: string, error: unknown): void {
    this.#with.log.warn(`${what} (${systemCode(error) ?? 'unknown error'})`);
  }
}
