// One host against two: `delegate_job` → Enter read in a pane of the other host, an event there → `wait_job` answered
// here, and a copy that catches up after a cut. The floor is the same on that host alone, in the same run.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabServer } from '../test/support/lab-server.ts';
import { until } from '../test/support/until.ts';
import {
  inTurn,
  main,
  now,
  type Plan,
  type Row,
  type Spread,
  single,
  spread,
  timed,
  times,
} from './support/bench.ts';
import { events, FAR, inHosts, NEAR, Pair, WAYS, type Way } from './support/pair.ts';

const PROMPT =
  'Look through the tests of the parser, find the one that fails now and then, and say in two lines why it does.';
const WARM = 5;
/** After this time a wait is certainly waiting, in ms. */
const SETTLE_MS = 15;
const DELEGATION = { mosquitto: 3, nats: 3, ssh: 3 };
const WAIT = { mosquitto: 3, nats: 2, ssh: 2 };
/** How long the link is cut, in s. */
const CUT = { whole: 30, quick: 5 };
/** Within this time after the link is back, the copy is complete, in ms. */
const COMPLETE_MS = 2_000;
/** Longer would be another defect, in ms. */
const STUCK_MS = 120_000;
/** Events during a cut. */
const MISSED = 200;

await main(async (plan): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const way of WAYS)
    rows.push(
      ...(await inHosts(['hosta', 'hostb'], async (world) => {
        const pair = await Pair.make(world, way);
        const [far, near, peer] = [
          await pair.server(pair.a),
          await pair.server(pair.b),
          await pair.server(pair.b),
        ];
        return [
          await delegations(plan, way, pair, { far, near, peer }),
          await waits(plan, way, pair, { far, near, peer }),
          await cut(plan, way, pair, { far, near, peer }, 'hosta'),
          await cut(plan, way, pair, { far, near, peer }, 'hostb'),
        ];
      })),
    );
  return rows;
});

interface Servers {
  /** Of the host that delegates to the other one. */
  far: LabServer;
  /** A supervisor on the host with the panes, and the peer there. */
  near: LabServer;
  peer: LabServer;
}

async function delegations(
  { rounds }: Plan,
  way: Way,
  { panes }: Pair,
  { far, near, peer }: Servers,
): Promise<Row> {
  for (const name of [NEAR, FAR]) await panes.start(name);
  const delegate = async (server: LabServer, pane: string, session: string): Promise<number> => {
    const started = now();
    const enter = panes.enter(pane);
    const job = await server.ask('delegate_job', {
      prompt: PROMPT,
      agent: 'command',
      agent_session: session,
    });
    const at = await enter;
    if (job.status !== 'working')
      throw new Error(`delegate_job: ${job.status}, ${JSON.stringify(job.delivery)}`);
    await peer.ask('publish_event', { job_id: job.job_id, event: 'completed', detail: 'done' });
    return at - started;
  };
  const remote = () => delegate(far, FAR, `tmux:${FAR}@hostb`);
  const local = () => delegate(near, NEAR, `tmux:${NEAR}`);
  for (let round = 0; round < WARM; round++) {
    await remote();
    await local();
  }
  const values = await inTurn(rounds(100, 25), { remote, local });
  return ratio(`delegate_job → Enter read on the other host, ${way}`, values, DELEGATION[way]);
}

async function waits({ rounds }: Plan, way: Way, { b }: Pair, { far, near, peer }: Servers): Promise<Row> {
  const open = async (server: LabServer, session: string, address: string) => {
    await b.startSession(session, 'exec cat');
    const { job_id } = await server.ask('delegate_job', {
      ...{ prompt: PROMPT, agent: 'command', agent_session: address },
      ...{ timeout_seconds: 36_000, idle_timeout_seconds: 36_000 },
    });
    await peer.ask('publish_event', { job_id, event: 'started' });
    let { cursor } = await server.ask('wait_job', { job_id, timeout_seconds: 0 });
    return async (round: number): Promise<number> => {
      const waiting = server.ask('wait_job', { job_id, timeout_seconds: 20, cursor });
      await sleep(SETTLE_MS);
      const started = now();
      const told = peer.ask('publish_event', { job_id, event: 'question', detail: `Which ${round}?` });
      const answer = await waiting;
      const ms = now() - started;
      await told;
      if (answer.outcome !== 'needs_attention') throw new Error(`wait_job: ${answer.outcome}`);
      cursor = answer.cursor;
      return ms;
    };
  };
  const remote = await open(far, 'job', 'tmux:job@hostb');
  const local = await open(near, 'own', 'tmux:own');
  for (let round = 0; round < WARM; round++) {
    await remote(round);
    await local(round);
  }
  const values = await inTurn(rounds(200, 30), { remote, local });
  return ratio(`event on the other host → wait_job answered here, ${way}`, values, WAIT[way]);
}

/** A job goes on and ends while the link of a host is cut; afterwards its copy is completed. */
async function cut(
  { quick }: Plan,
  way: Way,
  pair: Pair,
  { far, peer }: Servers,
  host: 'hosta' | 'hostb',
): Promise<Row> {
  const { a, b } = pair;
  const { job_id } = await far.ask('delegate_job', {
    ...{ prompt: PROMPT, agent: 'command', agent_session: `tmux:${FAR}@hostb` },
  });
  await until('the copy follows', () => events(a, job_id) === events(b, job_id));
  const seconds = quick ? CUT.quick : CUT.whole;
  await pair.cut(host);
  const end = now() + seconds * 1000;
  for (let n = 0; n < MISSED; n++)
    await peer.ask('publish_event', { job_id, event: 'progress', detail: `step ${n}` });
  await peer.ask('publish_event', { job_id, event: 'completed', detail: 'done' });
  const before = events(a, job_id);
  await sleep(Math.max(0, end - now()));
  await pair.mend(host);
  const ms = await timed(() =>
    until('the copy is complete', () => events(a, job_id) === events(b, job_id), STUCK_MS),
  );
  return {
    ...times(
      `link back after ${seconds} s → copy complete, ${way}, ${host === 'hosta' ? 'this host' : 'the other host'} was cut off`,
      single(ms),
    ),
    // A connection outlives a short cut, and TCP itself decides when it sends again.
    ...(!quick && { goal: `≤ ${COMPLETE_MS} ms`, reached: ms <= COMPLETE_MS }),
    note: `${events(b, job_id) - before} events were missed`,
  };
}

function ratio(what: string, values: Record<'remote' | 'local', number[]>, factor: number): Row {
  const [value, floor]: Spread[] = [spread(values.remote), spread(values.local)];
  const reached = value !== undefined && floor !== undefined && value.p50 <= factor * floor.p50;
  return times(what, value as Spread, floor, { goal: `p50 ≤ ${factor} × local`, reached });
}
