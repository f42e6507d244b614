import { createConnection } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import type { JobRecord } from '../../src/job/record.ts';
import type { Lab } from '../support/lab.ts';
import { PATIENCE, pause } from '../support/until.ts';

/** How long to wait for retained messages after the subscription, in ms. */
const RETAINED_MS = 200 + 200 * Math.min(PATIENCE, 5);

/** The records that the hub's broker has retained, by job, as a late subscriber gets them. */
export async function retainedRecords(lab: Lab): Promise<Map<string, JobRecord>> {
  const records = new Map<string, JobRecord>();
  const client = new mqtt.MqttClient(() => createConnection(join(lab.home, 'hub.sock')), {
    clientId: 'auditor',
  });
  client.on('error', () => {});
  client.on('message', (topic, payload) => {
    const id = topic.split('/').at(-2);
    if (id !== undefined && payload.length > 0) records.set(id, JSON.parse(payload.toString()));
  });
  try {
    await client.subscribeAsync('mam/v1/default/hosts/+/jobs/+/record', { qos: 1 });
    await pause(RETAINED_MS);
  } catch {
    // No hub listens: other rules report that.
  } finally {
    await client.endAsync(true);
  }
  return records;
}
