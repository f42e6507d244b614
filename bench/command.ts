// `mam publish` from a shell, the whole process, against the start of an empty Node program, and against a whole
// process with paho-mqtt (2.1 or later: it must know unix sockets) where Python has it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { inTurn, main, now, type Row, spread } from './support/bench.ts';
import { openJobs } from './support/jobs.ts';
import { floorPath, inLab, type Lab, MAM } from './support/lab.ts';

const GOAL = 0.9;
/** facts: a paho process was 1.24 times an empty Node start, min to min (77 and 62 ms). */
const PAHO_TO_NODE = 1.24;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const [job = ''] = await openJobs(lab, 1);
    // One server stays: the hub has a client, as in real life.
    await lab.server();
    const { socket, realm } = lab.hub();
    const paho = hasPaho();
    const claim = JSON.stringify({ type: 'progress', detail: 'step' });
    const values = await inTurn(rounds(40, 8), {
      mam: () => whole(lab, process.execPath, MAM, 'publish', ...['--job', job, '--event', 'progress']),
      empty: () => whole(lab, process.execPath, floorPath('empty.mjs')),
      paho: async () =>
        paho
          ? whole(
              lab,
              'python3',
              floorPath('paho-publish.py'),
              socket,
              `mam/v1/${realm}/claims/${job}`,
              claim,
            )
          : Number.NaN,
    });
    const value = spread(values.mam);
    const empty = spread(values.empty);
    const row = { unit: 'ms', value };
    const rows: Row[] = [
      { ...row, what: 'mam publish, whole process, to an empty Node process', floor: empty },
    ];
    if (paho) {
      const floor = spread(values.paho);
      const reached = value.min / floor.min <= GOAL || value.p50 / floor.p50 <= GOAL;
      rows.push({ ...row, what: 'the same to a paho process', floor, goal: `≤ ${GOAL} × paho`, reached });
    } else {
      const limit = GOAL * PAHO_TO_NODE;
      Object.assign(rows[0] as Row, {
        goal: `≤ ${limit.toFixed(2)} × empty (${GOAL} × paho)`,
        reached: value.min / empty.min <= limit || value.p50 / empty.p50 <= limit,
        note: 'no paho-mqtt ≥ 2.1 here; it was measured at 1.24 × an empty Node process',
      });
    }
    return rows;
  }),
);

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
