// The heap of a hub after a collection: with 2,000 open jobs, after 100,000 events on them, and when all have ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { plant } from '../test/support/plant.ts';
import { until } from '../test/support/until.ts';
import { main, type Row, single } from './support/bench.ts';
import { type BenchLab, inLab, MAM } from './support/lab.ts';

const JOBS = 2_000;
const EVENTS = 100_000;
const IN_FLIGHT = 200;
const AT_ONCE = 50;
const GOAL_MB = 30;
const PATIENCE_MS = 300_000;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [count, events] = [rounds(JOBS, JOBS / 10), rounds(EVENTS, EVENTS / 10)];
    const jobs = Array.from({ length: count }, (_, n) => plant(lab, `memory-${n}`));
    const hub = startHub(lab);
    await until('the hub runs', () => existsSync(join(lab.home, 'hub.sock')), PATIENCE_MS);
    const server = await lab.server();
    await server.ask('list_jobs');
    const atRest = await heap(lab, hub);
    const publisher = resolve('test/durability/third-party.mjs');
    const topic = 'mam/v1/default/claims/';
    const words = [join(lab.home, 'hub.sock'), topic, 'memory', String(events), String(IN_FLIGHT)];
    await once(spawn(process.execPath, [publisher, ...words, ...jobs], { stdio: 'ignore' }), 'close');
    const busy = await heap(lab, hub);
    for (let first = 0; first < count; first += AT_ONCE) {
      const some = jobs.slice(first, first + AT_ONCE);
      await Promise.all(some.map((job_id) => server.ask('publish_event', { job_id, event: 'completed' })));
    }
    const ended = await heap(lab, hub);
    await server.close();
    hub.kill('SIGTERM');
    await once(hub, 'exit');
    return [
      row(`${count} open jobs, ${events} events on them`, busy, `${atRest.toFixed(1)} MB before the events`),
      row(`the same when all have ended`, ended, 'their records are on their topics for 10 minutes more'),
    ];
  }),
);

function row(what: string, mb: number, note: string): Row {
  const goal = `≤ ${GOAL_MB} MB`;
  return {
    what: `heap of the hub: ${what}`,
    unit: 'MB',
    value: single(mb),
    goal,
    reached: mb <= GOAL_MB,
    note,
  };
}

/** A hub that on request collects its garbage and reports its heap. */
function startHub(lab: BenchLab): ChildProcess {
  const said = JSON.stringify(saidBy(lab));
  const tell = `require('fs').writeFileSync(${said}, String(process.memoryUsage().heapUsed) + ' bytes')`;
  const ear = lab.write('ear.cjs', `process.on('SIGUSR2', () => { gc(); gc(); ${tell}; });`);
  const env = { ...lab.env, MAM_HUB_EVENTS_PER_MINUTE: '0' };
  const args = ['--expose-gc', '--require', ear, MAM, 'hub-process'];
  return lab.keep(spawn(process.execPath, args, { env, cwd: '/', stdio: 'ignore' }));
}

/** In MB. */
async function heap(lab: BenchLab, hub: ChildProcess): Promise<number> {
  rmSync(saidBy(lab), { force: true });
  hub.kill('SIGUSR2');
  const said = () => existsSync(saidBy(lab)) && readFileSync(saidBy(lab), 'utf8');
  await until('the hub reports its heap', () => String(said()).endsWith('bytes'), PATIENCE_MS);
  return Number.parseInt(String(said()), 10) / 1e6;
}

function saidBy(lab: BenchLab): string {
  return join(lab.project, 'heap');
}
