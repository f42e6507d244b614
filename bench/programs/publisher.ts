// Publishes events for one job as fast as they are acknowledged, a window at a time: `publisher.mjs KIND JOB NAME
// WINDOW`, KIND raw (plain MQTT.js, as a third party), link (our client), or floor (lines to journal.mjs). Starts when
// its parent says so; reports which events were acknowledged.
import { createConnection } from 'node:net';
import mqtt from 'mqtt';
import { openLink } from '../../src/link/client.ts';
import { loadSettings } from '../../src/settings/config.ts';
import { now } from '../support/bench.ts';
import type { Order, Report } from '../support/publishers.ts';

const [kind = '', job = '', name = '', window = '1', socket = '', realm = ''] = process.argv.slice(2);
/** Settles when the event is safe. */
type Publish = (n: number) => Promise<unknown>;

const acked: boolean[] = [];
const latencies: number[] = [];
/** The latency of one in this many events is kept. */
const SAMPLE = 7;
let next = 0;
let kept = 0;
let stopped = false;
let marked = Number.POSITIVE_INFINITY;

const open: Record<string, () => Promise<{ publish: Publish; close: () => unknown }>> = { raw, link, floor };
const make = open[kind];
if (make === undefined) throw new Error(`unknown kind: ${kind}`);
const { publish, close } = await make();
tell({ ready: true });

process.on('message', (order: Order) => {
  if (order.do === 'mark') marked = order.at;
  if (order.do === 'stop') stopped = true;
  if (order.do === 'go') {
    void Promise.all(Array.from({ length: Number(window) }, slot)).then(async () => {
      tell({ acked: ranges(), latencies, kept });
      await close();
    });
  }
});

async function slot(): Promise<void> {
  while (!stopped) {
    const n = next++;
    const started = now();
    await publish(n);
    acked[n] = true;
    if (n % SAMPLE === 0) latencies.push(now() - started);
    if (started > marked) {
      marked = Number.POSITIVE_INFINITY;
      tell({ again: now() });
    }
  }
}

function event(n: number) {
  return {
    event_id: `${name}-${n}`,
    job_id: job,
    type: 'progress',
    detail: `step ${n} of a longer piece of work`,
  };
}

async function raw() {
  const client = new mqtt.MqttClient(() => createConnection(socket), { protocolVersion: 4, clientId: name });
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  const topic = `mam/v1/${realm}/claims/${job}`;
  return {
    publish: (n: number) => client.publishAsync(topic, JSON.stringify(event(n)), { qos: 1 }),
    close: () => client.endAsync(),
  };
}

async function link() {
  const own = openLink(await loadSettings());
  await own.request('hub_status', {});
  return {
    async publish(n: number) {
      const outcome = await own.claim({ ...event(n), source: 'peer', at: new Date().toISOString() });
      if (outcome.kind === 'kept') kept++;
      if (outcome.kind === 'answered' && !outcome.reply.recorded) throw new Error(outcome.reply.refusal);
    },
    close: () => own.close(),
  };
}

async function floor() {
  const connection = createConnection(socket);
  const waiting: (() => void)[] = [];
  connection.on('data', (data) => {
    for (const line of data.toString().split('\n')) if (line === 'ok') waiting.shift()?.();
  });
  return {
    publish: (n: number) => {
      connection.write(`${JSON.stringify(event(n))}\n`);
      return new Promise<void>((resolve) => waiting.push(resolve));
    },
    close: () => connection.end(),
  };
}

function ranges(): [number, number][] {
  const found: [number, number][] = [];
  for (let n = 0; n < next; n++) {
    if (acked[n] !== true) continue;
    const last = found.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else found.push([n, n]);
  }
  return found;
}

function tell(report: Report): void {
  process.send?.(report);
}
