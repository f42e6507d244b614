// Follows every job, and is busy for BUSY_MS with each message: `subscriber.mjs SOCKET REALM BUSY_MS`.
import { createConnection } from 'node:net';
import mqtt from 'mqtt';

const [socket = '', realm = '', busy = '0'] = process.argv.slice(2);
const client = new mqtt.MqttClient(() => createConnection(socket), {
  protocolVersion: 4,
  reconnectPeriod: 100,
});
client.on('error', () => {});
client.on('message', () => {
  for (const end = performance.now() + Number(busy); performance.now() < end; );
});
await client.subscribeAsync(`mam/v1/${realm}/hosts/+/jobs/+/log`, { qos: 1 });
process.send?.({ ready: true });
