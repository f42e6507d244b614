import { connectExternal } from '../bus/external.ts';
import type { HubBus } from '../bus/hub-bus.ts';
import type { Settings } from '../config.ts';
import { explain } from '../errors.ts';
import { externalAddress } from './address.ts';
import type { Claims } from './claims.ts';
import type { Elsewhere } from './elsewhere.ts';
import { describeBroker } from './hub-file.ts';
import type { Log } from './log.ts';

/** How long after a failure the external broker is tried again, in ms. */
const AGAIN_MS = 1_000;

/** Joins the external broker; while that does not answer, tries again for as long as the hub lives. */
export class BrokerJoin {
  private readonly options: {
    settings: Settings;
    log: Log;
    claims: Claims;
    elsewhere: Elsewhere | undefined;
    onClients: () => void;
    onJoined: (bus: HubBus) => void;
  };
  private ended = false;
  private why: string | undefined;

  constructor(options: BrokerJoin['options']) {
    this.options = options;
  }

  /** Why the broker was not joined last time. */
  get problem(): string | undefined {
    return this.why;
  }

  /** @returns when it is joined, or has failed for the first time */
  async start(): Promise<void> {
    const { settings, log, claims, elsewhere, onClients, onJoined } = this.options;
    const { broker, realm, host } = settings;
    if (broker === undefined) return;
    try {
      const handlers = {
        claim: (jobId: string, payload: Buffer) => claims.take(jobId, payload, 'outside'),
        answer: (payload: Buffer) => elsewhere?.settle(payload),
        clients: onClients,
      };
      const bus = await connectExternal({ ...externalAddress(broker), realm, host, handlers });
      if (this.ended) return await bus.stop();
      this.why = undefined;
      onJoined(bus);
      log.info(`joined the broker ${describeBroker(broker)}`);
    } catch (error) {
      const why = explain(error);
      // A broker that stays away is one line in the log.
      if (why !== this.why) log.error('the broker was not joined', error);
      this.why = why;
      if (!this.ended) setTimeout(() => void this.start(), AGAIN_MS).unref();
    }
  }

  /** Tries no more. */
  stop(): void {
    this.ended = true;
  }
}
