import type { Log } from '../../base/log.ts';
import type { MeshBroker } from '../../operations/hosts.ts';
import { type Proof, probe } from './probe.ts';
import type { BrokerWire } from './wire/broker-wire.ts';

/** When a test that has shown nothing is made again, in ms. */
const AGAIN_MS = 5_000;

/** Whether the broker checks who sends: tested anew at each connection, since another node may have other rules. */
export class Senders {
  readonly #with;
  #wire: BrokerWire | undefined;
  #proof: Proof;
  #waiting: (() => void)[] = [];

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

  /** Settles when the test that runs has ended, whatever it has shown. */
  known(): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push(done);
    });
  }

  async #test(wire: BrokerWire): Promise<void> {
    const proof = await probe(wire, this.#with, () => this.#judge(wire, false));
    this.#judge(wire, proof);
    if (wire !== this.#wire || !wire.isUp || proof !== undefined) return;
    this.#with.log.warn('could not test whether the broker checks who sends');
    setTimeout(() => {
      if (wire === this.#wire && wire.isUp && this.#proof === undefined) this.test(wire);
    }, AGAIN_MS).unref();
  }

  #judge(wire: BrokerWire, proof: Proof): void {
    if (wire !== this.#wire || !wire.isUp) return;
    const { log, trustsRealm, mayAsk } = this.#with;
    if (proof === false && this.#proof !== false && !trustsRealm && mayAsk())
      log.warn('the broker does not check who sends: what other hosts ask over it is refused');
    this.#proof = proof;
    for (const done of this.#waiting.splice(0)) done();
  }
}
