// A publisher as a third party would write it: plain MQTT.js with its defaults, `node third-party.mjs SOCKET TOPIC NAME
// COUNT WINDOW JOB...`. Publishes COUNT events over the jobs in turn, at most WINDOW unacknowledged, and prints the
// number of each event that the broker has acknowledged. What fails is published again with the same event_id.
import { createConnection } from 'node:net';
import mqtt from 'mqtt';

const [path, prefix, name, count, window, ...jobs] = process.argv.slice(2);
const client = new mqtt.MqttClient(() => createConnection(path), {
  clientId: `third-${name}`,
  reconnectPeriod: 50,
});
client.on('error', () => {});
let next = 1;
let open = 0;
let done = 0;

function publish(n) {
  const job = jobs[n % jobs.length];
  const claim = { event_id: `${name}-${n}`, type: 'progress', detail: `${name}:${n}` };
  client.publish(prefix + job, JSON.stringify(claim), { qos: 1 }, (error) => {
    if (error) {
      process.stdout.write(`again ${n}\n`);
      setTimeout(() => publish(n), 20);
      return;
    }
    open--;
    done++;
    process.stdout.write(`${n}\n`);
    if (done === Number(count)) client.end();
    else fill();
  });
}

function fill() {
  while (open < Number(window) && next <= Number(count)) {
    open++;
    publish(next++);
  }
}

client.once('connect', fill);
