// Durable events a second: 8 publishers with 50 in flight each, alone, with a slow subscriber and with a stopped one.
// Afterwards the journals are checked for every acknowledged event. The floor is the same load on a process that only
// appends, flushes and answers lines.
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, now, type Row, single, spread } from './support/bench.ts';
import { openJobs, startJournal } from './support/jobs.ts';
import { type BenchLab, inLab, programPath } from './support/lab.ts';
import { cpuMs, rss } from './support/processes.ts';
import { audit, Publishers } from './support/publishers.ts';

const PUBLISHERS = 8;
const WINDOW = 50;
const GOAL = 15_000;
const SLOW_MS = 0.3;

/** Far more than one job's peer may report: the limit is for runaways. */
const MANY = { MAM_HUB_EVENTS_PER_MINUTE: '0' };

type Subscriber = 'none' | 'slow' | 'stopped';

await main(async ({ quick }): Promise<Row[]> => {
  const seconds = quick ? 5 : 60;
  const rows: Row[] = [];
  for (const [kind, subscriber] of [
    ['raw', 'none'],
    ['raw', 'slow'],
    ['raw', 'stopped'],
    ['link', 'none'],
  ] as const) {
    const floor = await inLab((lab) => floorRate(lab, quick ? 3 : 5));
    rows.push(...(await inLab((lab) => load(lab, kind, subscriber, seconds, floor), MANY)));
  }
  return rows;
});

async function load(
  lab: BenchLab,
  kind: 'raw' | 'link',
  subscriber: Subscriber,
  seconds: number,
  floor: number,
): Promise<Row[]> {
  const jobs = await openJobs(lab, PUBLISHERS);
  const { pid, socket, realm } = lab.hub();
  if (subscriber !== 'none') {
    const busy = subscriber === 'slow' ? SLOW_MS : 0;
    const child = lab.fork(programPath('subscriber'), [socket, realm, String(busy)]);
    await once(child, 'message');
    if (subscriber === 'stopped') child.kill('SIGSTOP');
  }
  const publishers = await Publishers.start(lab, kind, jobs, WINDOW, socket, realm);
  const atRest = rss(pid);
  const memory: number[] = [];
  const sampler = setInterval(() => memory.push(rss(pid)), 250);
  const started = now();
  const cpu = cpuMs(pid);
  publishers.go();
  await sleep(seconds * 1000);
  const { acked, count, latencies, kept } = await publishers.stop();
  const rate = count / ((now() - started) / 1000);
  const cost = ((cpuMs(pid) - cpu) / count) * 1000;
  const share = (cpuMs(pid) - cpu) / (now() - started);
  clearInterval(sampler);
  const { lost, twice } = audit(lab, acked);
  const with_ = { none: 'alone', slow: 'with a slow subscriber', stopped: 'with a stopped subscriber' }[
    subscriber
  ];
  const what = `${kind === 'raw' ? 'plain MQTT' : 'our client'}, ${with_}`;
  return [
    {
      what: `durable events/s, ${what}`,
      unit: '/s',
      value: single(rate),
      floor: single(floor),
      goal: `≥ ${GOAL}, none lost, none twice`,
      reached: rate >= GOAL && lost === 0 && twice === 0,
      note: `${count} events in ${seconds} s: ${lost} lost, ${twice} twice, ${kept} by the outbox; hub ${cost.toFixed(0)} µs of processor an event, ${(share * 100).toFixed(0)} % of a core; RSS ${atRest.toFixed(0)} MB before, ${Math.max(...memory).toFixed(0)} most`,
    },
    { what: `their acknowledgement, ${WINDOW} in flight, ${what}`, unit: 'ms', value: spread(latencies) },
  ];
}

async function floorRate(lab: BenchLab, seconds: number): Promise<number> {
  await startJournal(lab);
  const jobs = Array.from({ length: PUBLISHERS }, (_, index) => `job${index}`);
  const publishers = await Publishers.start(lab, 'floor', jobs, WINDOW, join(lab.folder, 'journal.sock'));
  const started = now();
  publishers.go();
  await sleep(seconds * 1000);
  const { count } = await publishers.stop();
  return count / ((now() - started) / 1000);
}
