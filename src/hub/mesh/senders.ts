import type { Log } from '../../base/log.ts';
import type { MeshBroker } from '../../operations/hosts.ts';
import { type Proof, probe } from './probe.ts';
import type { BrokerWire } from './wire/broker-wire.ts';

/** When a test that has shown nothing is made again, in ms. */
const AGAIN_MS = 30_000;

/** Whether the broker checks who sends: tested anew at each connection, since another node may have other rules. */
export class Senders {
  readonly #with;
  #wire: BrokerWire | undefined;
  #proof: Proof;

  constructor(parts: {
    realm: string;
    host: string;
    log: Log;
    /** The user believes all senders of this realm. */
    trustsRealm: boolean;
    /** Whether others may ask anything here: to others it does not matter who sends. */
    mayAsk: () => boolean;
  }) {
    this.#with = parts;
  }

  /** For people; undefined until it was tested. */
  get shown(): MeshBroker['senders'] {
    if (this.#proof === undefined) return undefined;
    if (this.#proof) return 'proven';
    return this.#with.trustsRealm ? 'trusted' : 'unproven';
  }

  /** Whether senders are to be believed; undefined while that is being tested. */
  get areProven(): boolean | undefined {
    return this.#with.trustsRealm ? true : this.#proof;
  }

  /** The connection is new. */
  test(wire: BrokerWire): void {
    this.#wire = wire;
    this.#proof = undefined;
    void this.#test(wire);
  }

  async #test(wire: BrokerWire): Promise<void> {
    const { realm, host, log, trustsRealm, mayAsk } = this.#with;
    const proof = await probe(wire, realm, host);
    if (wire !== this.#wire || !wire.isUp) return;
    this.#proof = proof;
    if (proof === false && !trustsRealm && mayAsk())
      log.warn('the broker does not check who sends: what other hosts ask over it is refused');
    if (proof !== undefined) return;
    log.warn('it could not be tested whether the broker checks who sends');
    setTimeout(() => {
      if (wire === this.#wire && wire.isUp && this.#proof === undefined) this.test(wire);
    }, AGAIN_MS).unref();
  }
}
