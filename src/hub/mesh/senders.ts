import type { Log } from '../../base/log.ts';
import type { MeshBroker } from '../../operations/hosts.ts';
import { type Proof, probe } from './probe.ts';
import type { BrokerWire } from './wire/broker-wire.ts';

/** When a test that has shown nothing is made again, in ms. */
const AGAIN_MS = 5_000;

/** A test of one connection: what it shows of an earlier one says nothing about the one that is there now. */
interface Test {
  readonly wire: BrokerWire;
}

/** Whether the broker checks who sends: tested anew at each connection, since another node may have other rules. */
export class Senders {
  readonly #with;
  /** The test of the connection that is there now. */
  #test: Test | undefined;
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
    const test = { wire };
    this.#test = test;
    this.#proof = undefined;
    void this.#run(test);
  }

  /** Settles when the test that runs has ended, whatever it has shown. */
  known(): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push(done);
    });
  }

  async #run(test: Test): Promise<void> {
    const proof = await probe(test.wire, this.#with, () => this.#judge(test, false));
    this.#judge(test, proof);
    if (!this.#counts(test) || proof !== undefined) return;
    this.#with.log.warn('could not test whether the broker checks who sends');
    setTimeout(() => {
      if (this.#counts(test) && this.#proof === undefined) this.test(test.wire);
    }, AGAIN_MS).unref();
  }

  #counts(test: Test): boolean {
    return test === this.#test && test.wire.isUp;
  }

  #judge(test: Test, proof: Proof): void {
    if (!this.#counts(test)) return;
    const { log, trustsRealm, mayAsk } = this.#with;
    if (proof === false && this.#proof !== false && !trustsRealm && mayAsk())
      log.warn('the broker does not check who sends: what other hosts ask over it is refused');
    this.#proof = proof;
    for (const done of this.#waiting.splice(0)) done();
  }
}
