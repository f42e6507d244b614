// `mam publish` from a shell, the whole process, against the start of an empty Node program, and against a whole
// process with paho-mqtt (2.1 or later: it must know unix sockets) where Python has it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { inTurn, main, now, type Row, type Spread, spread } from './support/bench.ts';
import { openJobs } from './support/jobs.ts';
import { floorPath, inLab, type Lab, MAM } from './support/lab.ts';

const GOAL = 0.9;
/** Measured where both were there: a paho process that publishes took 6 times as long as `python3 -c pass`. */
const PAHO_TO_PYTHON = 6;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [job = ''] = await openJobs(lab, 1);
    // One server stays: the hub has a client, as in real life.
    await lab.server();
    const { socket, realm } = lab.hub();
    const paho = hasPaho();
    const claim = JSON.stringify({ type: 'progress', detail: 'step' });
    const run = (command: string, ...args: string[]) => whole(lab, command, ...args);
    const values = await inTurn(rounds(40, 8), {
      mam: () => run(process.execPath, MAM, 'publish', '--job', job, '--event', 'progress'),
      empty: () => run(process.execPath, floorPath('empty.mjs')),
      python: () => run('python3', '-c', 'pass'),
      paho: async () =>
        paho
          ? run('python3', floorPath('paho-publish.py'), socket, `mam/v1/${realm}/claims/${job}`, claim)
          : Number.NaN,
    });
    const value = spread(values.mam);
    const python = spread(values.python);
    const floor = paho ? spread(values.paho) : times(python, PAHO_TO_PYTHON);
    return [
      {
        what: 'mam publish, whole process, to a paho process',
        unit: 'ms',
        value,
        floor,
        goal: `≤ ${GOAL} × paho`,
        reached: value.min / floor.min <= GOAL && value.p50 / floor.p50 <= GOAL,
        ...(!paho && { note: `no paho-mqtt ≥ 2.1 here: floor is ${PAHO_TO_PYTHON} × \`python3 -c pass\`` }),
      },
      {
        what: 'the same to an empty Node process',
        unit: 'ms',
        value,
        floor: spread(values.empty),
      },
    ];
  }),
);

function times({ min, p50, p99 }: Spread, factor: number): Spread {
  return { min: min * factor, p50: p50 * factor, p99: p99 * factor };
}

/** A process from its start to its end, in ms. */
async function whole(lab: Lab, command: string, ...args: string[]): Promise<number> {
  const started = now();
  const child = spawn(command, args, {
    env: lab.env,
    cwd: lab.project,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return now() - started;
}

function hasPaho(): boolean {
  const test = 'import paho.mqtt.client as c; import paho.mqtt as p; assert p.__version__ >= "2.1"';
  return spawnSync('python3', ['-c', test], { stdio: 'ignore' }).status === 0;
}
