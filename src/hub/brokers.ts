import { VERSION } from '../base/version.ts';
import type { HubBus } from '../bus/hub-bus.ts';
import { isReplyTopic, statusTopic } from '../bus/topics.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import type { Settings } from '../settings/config.ts';
import type { LiveJob } from './jobs/live-job.ts';
import type { Registrar } from './jobs/registrar.ts';
import type { RetainedRecords } from './notify/retained-records.ts';

/** Publishes the hub and its jobs on its brokers. */
export class Brokers {
  readonly #with;

  constructor(parts: {
    /** The hub's own broker, then the external one, once it is joined. */
    buses: HubBus[];
    settings: Settings;
    /** When the hub started, ISO 8601. */
    epoch: string;
    registrar: Registrar;
    retained: RetainedRecords;
  }) {
    this.#with = parts;
  }

  get clients(): number {
    return this.#with.buses.reduce((sum, bus) => sum + bus.clients, 0);
  }

  /**
   * Answers a client. Anyone may write a reply_to: with any other topic they could speak in the hub's name, or end its
   * connection.
   */
  reply(topic: string, message: unknown, isOutside = false): void {
    const { buses, settings } = this.#with;
    if (isReplyTopic(settings.realm, topic))
      buses[isOutside ? 1 : 0]?.publish(topic, JSON.stringify(message));
  }

  /** The external broker was joined. */
  readonly join = (bus: HubBus): void => {
    this.#with.buses.push(bus);
    this.introduce(bus, true);
    this.sayOnline();
  };

  /** Publishes the record of each job that is open, or has just ended, on a new broker. @param last as in `joined` */
  introduce(bus: HubBus, last: boolean): void {
    const { registrar, retained } = this.#with;
    retained.joined(bus, last);
    for (const job of registrar.open) retained.show(job, bus, true);
    for (const { jobId, registryDir } of retained.jobs) {
      registrar.find(jobId, registryDir).then(
        (job) => retained.show(job, bus, true),
        () => retained.clear(jobId),
      );
    }
  }

  /** Publishes jobs whose registry is back. */
  show(jobs: LiveJob[]): void {
    for (const job of jobs) for (const bus of this.#with.buses) this.#with.retained.show(job, bus);
  }

  sayOnline(): void {
    const { buses, registrar, settings, epoch } = this.#with;
    const about = { version: VERSION, protocol: PROTOCOL_VERSION, open_jobs: registrar.open.length };
    const text = JSON.stringify({ online: true, epoch, ...about });
    for (const bus of buses) bus.publish(statusTopic(settings.realm, settings.host), text, { retain: true });
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#with.buses.map((bus) => bus.stop()));
  }
}
