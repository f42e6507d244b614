import { randomSuffix } from '../job/id.ts';
import { type BrokerAddress, unreachable } from './address.ts';
import { openConnection } from './connection.ts';
import { realmPrefix, replyTopic } from './topics.ts';

/** What a broker did with one message, and which hubs it says are there. */
export interface RoundTrip {
  /** From the publish to its arrival, in ms. */
  milliseconds: number;
  /** The hosts whose retained status says that their hub is online. */
  online: string[];
}

/**
 * Sends one message through a broker and back, at QoS 1, on a topic that nobody else hears, and leaves nothing there.
 * @param signal ends it
 * @throws MamError `unreachable` when there is no connection, or the message does not come back before `signal`
 */
export async function roundTrip(
  address: BrokerAddress,
  realm: string,
  signal: AbortSignal,
): Promise<RoundTrip> {
  const clientId = `mam-doctor-${randomSuffix()}`;
  const topic = replyTopic(realm, clientId);
  const prefix = `${realmPrefix(realm)}hosts/`;
  const online: string[] = [];
  let arrived = (): void => {};
  const back = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let end = (): void => {};
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('timeout')), { once: true });
  });
  const opening = openConnection(address, {
    clientId,
    clean: true,
    prepare: (client) => {
      end = () => client.end(true);
      client.on('message', (at, payload) => {
        if (at === topic) arrived();
        else if (at.startsWith(prefix) && isOnline(payload))
          online.push(at.slice(prefix.length).split('/')[0] ?? '');
      });
    },
  });
  opening.catch(() => {});
  late.catch(() => {});
  try {
    const client = await Promise.race([opening, late]);
    // What is retained comes before what is published after it.
    const granted = await Promise.race([
      client.subscribeAsync([`${prefix}+/status`, topic], { qos: 1 }),
      late,
    ]);
    const refused = granted.find(({ qos }) => qos > 2);
    if (refused !== undefined) throw Object.assign(new Error('refused'), { code: 'subscription refused' });
    const start = performance.now();
    await Promise.race([client.publishAsync(topic, '{}', { qos: 1 }).then(() => back), late]);
    return { milliseconds: performance.now() - start, online };
  } catch (error) {
    throw unreachable(address, error);
  } finally {
    end();
  }
}

function isOnline(payload: Buffer): boolean {
  try {
    return (JSON.parse(payload.toString()) as { online?: unknown }).online === true;
  } catch {
    return false;
  }
}
