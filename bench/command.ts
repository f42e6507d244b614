// `mam publish`, `mam status`, `mam list` and `mam status --short` from a shell, the whole process, against the start of an empty Node program, and against a whole
// process with paho-mqtt (2.1 or later: it must know unix sockets) where Python has it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../test/support/until.ts';
import { makeFinishedJobs } from './support/archive.ts';
import { atMost, inTurn, main, type Row, spread, timed, times } from './support/bench.ts';
import { openJobs } from './support/jobs.ts';
import { type BenchLab, floorPath, inLab, MAM } from './support/lab.ts';

const GOAL = 0.9;
/** What a person does not notice on top of the start of Node itself. */
const LOOK_GOAL = 2;
/** As many jobs as a busy day leaves. */
const OPEN = 5;
const ENDED = 100;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    makeFinishedJobs(lab.registry, ENDED);
    const [job = ''] = await openJobs(lab, OPEN);
    // One server keeps running: the hub has a client, as in real life.
    const server = await lab.server();
    // As a supervisor does now and then: the hub then writes the list of the registry.
    await server.ask('list_jobs');
    await until('the list is written', () => existsSync(join(lab.registry, '.index.jsonl')));
    const { socket, realm } = lab.hub();
    const python = interpreter();
    const paho = hasPaho(python);
    const claim = JSON.stringify({ type: 'progress', detail: 'step' });
    const run = (command: string, ...args: string[]) => whole(lab, command, ...args);
    const values = await inTurn(rounds(40, 8), {
      mam: () => run(process.execPath, MAM, 'publish', '--job', job, '--event', 'progress'),
      status: () => run(process.execPath, MAM, 'status', '--job', job),
      list: () => run(process.execPath, MAM, 'list'),
      'status --short': () => run(process.execPath, MAM, 'status', '--short'),
      empty: () => run(process.execPath, floorPath('empty.mjs')),
      paho: async () =>
        paho
          ? run(python, floorPath('paho-publish.py'), socket, `mam/v1/${realm}/claims/${job}`, claim)
          : Number.NaN,
    });
    const value = spread(values.mam);
    const empty = spread(values.empty);
    const toEmpty = 'whole process, to an empty Node process';
    const unknown = paho ? {} : { note: 'no paho-mqtt ≥ 2.1 here, so the goal was not checked' };
    const rows: Row[] = [{ ...times(`mam publish, ${toEmpty}`, value, empty), ...unknown }];
    for (const name of ['status', 'list', 'status --short'] as const) {
      const looked = spread(values[name]);
      rows.push(times(`mam ${name}, ${toEmpty}`, looked, empty, atMost(LOOK_GOAL, looked, empty, '')));
    }
    if (paho) {
      const floor = spread(values.paho);
      const goal = atMost(GOAL, value, floor, 'paho');
      rows.push(times('mam publish, whole process, to a paho process', value, floor, goal));
    }
    return rows;
  }),
);

/** A process from its start to its end, in ms. */
function whole(lab: BenchLab, command: string, ...args: string[]): Promise<number> {
  return timed(async () => {
    const stdio = ['ignore', 'ignore', 'inherit'] as const;
    const [code] = await once(
      spawn(command, args, { env: lab.env, cwd: lab.project, stdio: [...stdio] }),
      'exit',
    );
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  });
}

/** The interpreter itself: `python3` on the PATH may be a shell script that looks for it and is ten times as slow. */
function interpreter(): string {
  const { stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  return stdout?.trim() || 'python3';
}

function hasPaho(python: string): boolean {
  const test = 'import paho.mqtt.client as c; import paho.mqtt as p; assert p.__version__ >= "2.1"';
  return spawnSync(python, ['-c', test], { stdio: 'ignore' }).status === 0;
}
