import { MamError } from '../../base/errors.ts';
import type { HubConnection } from '../session/engine.ts';
import { badParams } from '../wire/protocol-error.ts';
import { type JobUri, noSuchJob, parseJobUri } from './job-uri.ts';
import type { Notify } from './offers.ts';
import { type Glance, Pace } from './pace.ts';
import { JOBS_SHOWN } from './resources.ts';

const MOST = 100;
/** How often the screen of an open job is checked, in ms: nothing reports output. */
const SCREEN_MS = 1_000;
/** How many looks wait for a job's final screen, which is captured right after its last event. */
const LAST_LOOKS = 3;

interface Subscribed {
  begun: Promise<void>;
  end: () => void;
}

/** The client's subscriptions. Each follows the hub's events and survives the loss of the hub. */
export class Subscriptions {
  readonly #hub: HubConnection;
  readonly #notify: Notify;
  readonly #subscribed = new Map<string, Subscribed>();
  readonly #listChanged: () => void;

  /** @param listChanged called when there are jobs that an earlier list lacks */
  constructor(hub: HubConnection, notify: Notify, listChanged: () => void) {
    this.#hub = hub;
    this.#notify = notify;
    this.#listChanged = listChanged;
  }

  /** Follows a resource from now on. @throws ProtocolError if it is missing, MamError if the hub can't be reached */
  async subscribe(uri: string): Promise<void> {
    const named = parseJobUri(uri);
    const known = this.#subscribed.get(uri);
    if (known !== undefined) return known.begun;
    if (this.#subscribed.size >= MOST)
      throw badParams(`You can subscribe to at most ${MOST} resources at once. Unsubscribe from one first.`);
    const ends: (() => void)[] = [];
    const end = (): void => {
      for (const one of ends.splice(0)) one();
    };
    const subscribed = { begun: Promise.resolve(), end };
    this.#subscribed.set(uri, subscribed);
    // Concurrent requests for the same resource share this promise.
    subscribed.begun = this.#whole(named)
      .then((what) => {
        // It may have been unsubscribed meanwhile.
        if (this.#subscribed.get(uri) !== subscribed) return undefined;
        const pace = new Pace(untilGone(this.#lookAt(what)), () =>
          this.#notify({ method: 'notifications/resources/updated', params: { uri } }),
        );
        // Listen before the first look, so that nothing is missed in between.
        ends.push(this.#hub.hear(what.kind === 'jobs' ? undefined : what.jobId, () => pace.touch()));
        ends.push(() => pace.end());
        return pace.begin();
      })
      .catch((error: unknown) => {
        if (this.#subscribed.get(uri) === subscribed) this.unsubscribe(uri);
        throw isGone(error) ? noSuchJob() : error;
      });
    return subscribed.begun;
  }

  /** The same resource by its job's whole id: events come under that. */
  async #whole(what: JobUri): Promise<JobUri> {
    return what.kind === 'jobs' ? what : { ...what, jobId: await this.#hub.whole(what.jobId) };
  }

  unsubscribe(uri: string): void {
    this.#subscribed.get(uri)?.end();
    this.#subscribed.delete(uri);
  }

  #lookAt(what: JobUri): () => Promise<Glance> {
    switch (what.kind) {
      case 'jobs':
        return this.#jobs();
      case 'screen':
        return this.#screen(what.jobId);
      default:
        return async () => {
          const { record } = await this.#hub.peek('status', this.#address(what.jobId));
          return { print: JSON.stringify([record.seq, record.home]) };
        };
    }
  }

  #jobs(): () => Promise<Glance> {
    let known: Set<string> | undefined;
    return async () => {
      const params = { registry_dir: this.#hub.settings.registryDir, limit: JOBS_SHOWN };
      const { jobs, total } = await this.#hub.peek('list', params);
      if (known !== undefined && jobs.some(({ job_id }) => known?.has(job_id) === false)) this.#listChanged();
      known = new Set(jobs.map(({ job_id }) => job_id));
      return { print: JSON.stringify({ jobs, total }) };
    };
  }

  #screen(jobId: string): () => Promise<Glance> {
    let left = LAST_LOOKS;
    return async () => {
      const screen = await this.#hub.peek('screen', this.#address(jobId));
      const again = screen.live || (screen.missing !== undefined && left-- > 0);
      return { print: JSON.stringify(screen), againMs: again ? SCREEN_MS : undefined };
    };
  }

  #address(jobId: string): { job_id: string; registry_dir: string } {
    return { job_id: jobId, registry_dir: this.#hub.settings.registryDir };
  }
}

/** A job that was seen before and is now gone (pruned) has changed for the last time. */
function untilGone(look: () => Promise<Glance>): () => Promise<Glance> {
  let seen = false;
  return async () => {
    try {
      const glance = await look();
      seen = true;
      return glance;
    } catch (error) {
      if (seen && isGone(error)) return { print: 'gone' };
      throw error;
    }
  };
}

function isGone(error: unknown): boolean {
  return error instanceof MamError && error.code === 'not_found';
}
