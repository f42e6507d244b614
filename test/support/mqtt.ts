import { createConnection } from 'node:net';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';

/** A plain MQTT.js client on a hub's socket, like any other program's; it ends with its test. */
export function joinHub(home: string, options: IClientOptions = {}): Promise<MqttClient> {
  const socket = () => createConnection(join(home, 'hub.sock'));
  return joined(new mqtt.MqttClient(socket, { reconnectPeriod: 0, ...options }));
}

/** The same on a user's broker. */
export function joinBroker(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  return joined(mqtt.connect(url, { reconnectPeriod: 0, ...options }));
}

/** Publishes an event of a job, acknowledged. @param event an object, or its JSON */
export async function claim(client: MqttClient, job: string, event: object | string): Promise<void> {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  await client.publishAsync(`mam/v1/default/claims/${job}`, text, { qos: 1 });
}

async function joined(client: MqttClient): Promise<MqttClient> {
  onTestFinished(() => client.endAsync(true));
  client.on('error', () => {});
  await new Promise((done) => client.once('connect', done));
  return client;
}
