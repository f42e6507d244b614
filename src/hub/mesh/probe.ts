import type { MqttClient } from 'mqtt';
import { randomSuffix } from '../../base/ids.ts';
import { within } from '../../base/within.ts';
import { openConnection } from '../../bus/connection.ts';
import { inboxTopic } from '../../bus/topics.ts';
import type { BrokerWire } from './wire/broker-wire.ts';

/** How long the broker may take for each step, in ms: a cluster needs some seconds after a node's death. */
const STEP_MS = 10_000;
/** How many forged messages are said, each followed by an honest one: a broker passes on what one client says in its order. */
const ROUNDS = 3;
/** After the last honest one came back, forged ones are waited for this many round trips, and at least this long (ms). */
const TRIPS = 3;
const LEAST_MS = 50;
/** The same where the broker has closed the connection of the forger, so that no honest one can follow. */
const TRIPS_CLOSED = 20;
const LEAST_CLOSED_MS = 1_000;
/** For how long after the verdict a forged message still changes it, in ms. */
const LATE_MS = 30_000;

/** What the probe has shown: senders are proven, or not; undefined if the broker did not even deliver what is honest. */
export type Proof = boolean | undefined;

/**
 * Tests whether a broker checks who sends: over a connection of its own, because some brokers close that of a forger, it
 * publishes to the hub's own inbox in the name of a host that does not exist. Honest messages around it show how fast the
 * broker is, so that silence means something.
 * @param wire the hub's joined connection
 * @param late called if a forged message comes after all, when the result was `true` already
 */
export async function probe(
  wire: BrokerWire,
  { realm, host }: { realm: string; host: string },
  late: () => void,
): Promise<Proof> {
  const { address } = wire;
  if (address === undefined) return undefined;
  const forger = `probe-${randomSuffix()}`;
  const mark = randomSuffix();
  const forged = signal();
  /** The honest message that is under way. Each differs: whoever reads one must not be able to answer for the next. */
  let said = '';
  let heard = signal();
  let isOver = false;
  const intercept: BrokerWire['intercept'] = (from, kind, payload) => {
    const text = payload.toString();
    if (kind !== 'hello' || !text.includes(mark)) return false;
    if (from !== host) (isOver ? late : forged.done)();
    else if (text === said) heard.done();
    return true;
  };
  wire.intercept = intercept;
  let client: MqttClient | undefined;
  try {
    // Not the mark: with this id, whoever may read the mark could end the connection as the broker ends a forger's.
    const clientId = `mam-mesh-${host}-${randomSuffix()}`;
    client = await openConnection(address, { clientId, clean: true });
    const end = closed(client);
    const say = (from: string, text: string): void => {
      client?.publish(inboxTopic(realm, host, from, 'hello'), text, { qos: 0 }, () => {});
    };
    /** @returns true if an honest message came back, false if the connection was closed */
    const honest = (): Promise<boolean | undefined> => {
      heard = signal();
      said = JSON.stringify({ probe: mark, one: randomSuffix() });
      say(host, said);
      return within(Promise.race([heard.past, end.then(() => false)]), STEP_MS);
    };
    const began = performance.now();
    if ((await honest()) !== true) return undefined;
    const trip = performance.now() - began;
    let isOpen: boolean | undefined = true;
    for (let round = 0; round < ROUNDS && isOpen === true; round++) {
      say(forger, JSON.stringify({ probe: mark }));
      isOpen = await honest();
    }
    if (isOpen === undefined) return undefined;
    const ms = isOpen ? Math.max(LEAST_MS, TRIPS * trip) : Math.max(LEAST_CLOSED_MS, TRIPS_CLOSED * trip);
    if ((await within(forged.past, ms)) === true) return false;
    return wire.isUp ? true : undefined;
  } catch {
    return undefined;
  } finally {
    isOver = true;
    setTimeout(() => {
      if (wire.intercept === intercept) wire.intercept = undefined;
    }, LATE_MS).unref();
    client?.end(true);
  }
}

function signal(): { past: Promise<true>; done: () => void } {
  let done = (): void => {};
  const past = new Promise<true>((resolve) => {
    done = () => resolve(true);
  });
  return { past, done };
}

function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()));
}
