import { setTimeout as pause } from 'node:timers/promises';
import { randomSuffix } from '../../base/ids.ts';
import { parseJson } from '../../base/json.ts';
import { openConnection } from '../../bus/connection.ts';
import { realmPrefix, statusTopic } from '../../bus/topics.ts';
import type { BrokerWire } from './wire/broker-wire.ts';
import { type HostStatus, statusSchema } from './wire/messages.ts';

/** How long retained messages are waited for, in ms. */
const LOOK_MS = 1_000;

/** A hub on the broker that hubs share. */
export interface Present {
  name: string;
  status: HostStatus;
}

/**
 * Every hub that the broker knows in this realm, over a connection of its own: a hub itself follows only those that it
 * names, since with thousands all of them would be too much.
 * @throws as `openConnection`
 */
export async function present(
  { address }: BrokerWire,
  { realm, host }: { realm: string; host: string },
): Promise<Present[]> {
  if (address === undefined) return [];
  const found = new Map<string, HostStatus>();
  const clientId = `mam-mesh-${host}-${randomSuffix()}`;
  const client = await openConnection(address, {
    ...{ clientId, clean: true },
    prepare: (fresh) =>
      fresh.on('message', (topic, payload) => {
        const name = topic.split('/').at(-2) ?? '';
        const { data: status } = statusSchema.safeParse(parseJson(payload.toString()));
        if (status !== undefined && topic === statusTopic(realm, name)) found.set(name, status);
      }),
  });
  try {
    await client.subscribeAsync(`${realmPrefix(realm)}hosts/+/status`, { qos: 0 });
    await pause(LOOK_MS);
  } finally {
    client.end(true);
  }
  return [...found].map(([name, status]) => ({ name, status }));
}
