import { explain } from '../base/errors.ts';
import { limited } from '../base/limited.ts';
import type { Log } from '../base/log.ts';
import { redactUrl } from '../bus/address.ts';
import { connectExternal } from '../bus/broker/external.ts';
import { BrokerNodes } from '../bus/broker-nodes.ts';
import { externalAddresses } from '../bus/hub-address.ts';
import type { HubBus } from '../bus/hub-bus.ts';
import { roundTrip } from '../link/round-trip.ts';
import { publicBroker } from '../settings/broker-settings.ts';
import type { Settings } from '../settings/config.ts';
import type { Elsewhere } from './reports/elsewhere.ts';
import type { KeptClaims } from './reports/kept-claims.ts';

/** How long the test of one node of a broker may take, in ms. */
const TRIAL_TIMEOUT_MS = 10_000;
/** How long after a failure to try the external broker again, in ms. */
const RETRY_MS = 1_000;

/** Joins the external broker for programs that are no hubs; if it does not answer, retries until the hub ends. */
export class BrokerJoin {
  readonly #with;
  readonly #end = new AbortController();
  #bus: HubBus | undefined;
  #why = 'It is being joined.';

  constructor(parts: {
    settings: Settings;
    /** As for `connectExternal`. */
    session: string;
    /** When the hub started, ISO 8601. */
    epoch: string;
    log: Log;
    claims: KeptClaims;
    elsewhere: Elsewhere | undefined;
    onClients: () => void;
    onJoined: (bus: HubBus) => void;
  }) {
    this.#with = parts;
  }

  /** Why the broker is not joined. */
  get problem(): string | undefined {
    if (publicBroker(this.#with.settings) === undefined) return undefined;
    return this.#bus === undefined ? this.#why : this.#bus.problem;
  }

  /** @returns when it is joined, or has failed for the first time */
  async start(): Promise<void> {
    const { settings, session, epoch, log, claims, elsewhere, onClients, onJoined } = this.#with;
    const { realm, host } = settings;
    const broker = publicBroker(settings);
    if (broker === undefined) return;
    try {
      const handlers = {
        claim: (jobId: string, payload: Buffer) => claims.takeClaim(jobId, payload, 'outside'),
        answer: (payload: Buffer) => elsewhere?.takeReply(payload),
        clients: onClients,
      };
      const nodes = new BrokerNodes(externalAddresses(broker));
      // A missing feature would show much later, as silence.
      await nodes.attempt((address) =>
        roundTrip(address, {
          ...{ realm, host, isPublic: true },
          signal: limited(this.#end.signal, TRIAL_TIMEOUT_MS),
        }),
      );
      const bus = await connectExternal({ nodes, realm, host, session, epoch, handlers });
      if (this.#end.signal.aborted) return await bus.stop();
      this.#bus = bus;
      onJoined(bus);
      log.info(`joined the broker ${redactUrl(nodes.current.url)}`);
    } catch (error) {
      if (this.#end.signal.aborted) return;
      const why = explain(error);
      // A broker that stays unreachable is logged once.
      if (why !== this.#why) log.error('the broker was not joined', error);
      this.#why = why;
      setTimeout(() => void this.start(), RETRY_MS).unref();
    }
  }

  /** Stops trying. */
  stop(): void {
    this.#end.abort();
  }
}
