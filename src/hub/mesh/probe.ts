import type { MqttClient } from 'mqtt';
import { randomSuffix } from '../../base/ids.ts';
import { within } from '../../base/within.ts';
import { openConnection } from '../../bus/connection.ts';
import { inboxTopic } from '../../bus/topics.ts';
import type { BrokerWire } from './wire/broker-wire.ts';

/** How long the broker may take for each step, in ms: a cluster needs some seconds after a node's death. */
const STEP_MS = 10_000;
/** A forged message counts as held back after this many round trips of an honest one, and at least this long (ms). */
const TRIPS = 20;
const LEAST_MS = 1_000;

/** What the probe has shown: senders are proven, or not; undefined if the broker did not even deliver what is honest. */
export type Proof = boolean | undefined;

/**
 * Tests whether a broker checks who sends: over a connection of its own, because some brokers close that of a forger, it
 * publishes to the hub's own inbox in the name of a host that does not exist. First an honest message shows how fast the
 * broker is, so that silence means something.
 * @param wire the hub's joined connection
 */
export async function probe(wire: BrokerWire, realm: string, host: string): Promise<Proof> {
  const { address } = wire;
  if (address === undefined) return undefined;
  const forger = `probe-${randomSuffix()}`;
  const mark = randomSuffix();
  const came = { [host]: signal(), [forger]: signal() };
  wire.intercept = (from, kind, payload) => {
    if (kind !== 'hello' || !payload.toString().includes(mark)) return false;
    came[from]?.done();
    return true;
  };
  let client: MqttClient | undefined;
  try {
    client = await openConnection(address, { clientId: `mam-mesh-${host}-${mark}`, clean: true });
    const say = (from: string) => {
      const sent = client?.publishAsync(inboxTopic(realm, host, from, 'hello'), `{"probe":"${mark}"}`, {
        qos: 1,
      });
      return sent?.catch(() => {});
    };
    const began = performance.now();
    void say(host);
    if ((await within(came[host]?.past ?? never, STEP_MS)) === undefined) return undefined;
    const trip = performance.now() - began;
    // Acknowledged, or the connection is closed: either way the broker has judged it.
    await within(Promise.race([say(forger) ?? never, closed(client)]), STEP_MS);
    const isForged = await within(came[forger]?.past ?? never, Math.max(LEAST_MS, TRIPS * trip));
    return isForged === undefined && wire.isUp ? true : isForged === true ? false : undefined;
  } catch {
    return undefined;
  } finally {
    wire.intercept = undefined;
    client?.end(true);
  }
}

const never = new Promise<undefined>(() => {});

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
