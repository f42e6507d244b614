// 100 simulated hosts with 10,000 live jobs on one Mosquitto, and one real hub that has delegated some hundred of them:
// event → in the real hub's copy on the disk, and what the broker needs for it.
import { setTimeout as sleep } from 'node:timers/promises';
import { MosquittoBroker } from '../test/support/hosts/mosquitto.ts';
import { OUTSIDE } from '../test/support/hosts/network.ts';
import { main, now, type Row, single, spread, times } from './support/bench.ts';
import { MAM } from './support/lab.ts';
import { follow, inHosts, sees, startHub } from './support/pair.ts';
import { cpuMs, rss } from './support/processes.ts';
import { sinceSaid } from './support/simulated-host.ts';
import { Simulation } from './support/simulation.ts';

const HOSTS = 100;
const JOBS = 100;
const PARTNERS = 10;
const PROCESSES = 3;
/** The real hub has some jobs on each of these hosts. */
const ITS_HOSTS = 30;
const ITS_JOBS = 10;
/** Events a second: the first is one event in 30 s of each job. */
const RATES = [333, 1_000, 3_000];
/** The most of a core that the broker may need at the first of them. */
const GOAL = 0.03;
/** Until a new rate is even, in ms. */
const SETTLE_MS = 3_000;
/** A hub greets many hosts one after the other, in ms. */
const MEET_MS = 120_000;
/** Delegations at a time. */
const AT_ONCE = 10;

await main(({ quick }) =>
  inHosts(
    ['hosta'],
    async (world): Promise<Row[]> => {
      const names = Array.from({ length: HOSTS }, (_, n) => `sim-${n}`);
      const broker = await MosquittoBroker.make(world, { users: ['hosta', ...names] });
      await broker.start();
      const url = await broker.url(OUTSIDE);
      const plan = { processes: PROCESSES, hosts: names, partners: PARTNERS, jobs: JOBS };
      const simulation = await Simulation.start(plan, url, 'hosta');
      const a = world.lab('hosta');
      a.more = { ...(await broker.env('hosta')), MAM_BROKER_URL: url, MAM_MAX_OPEN_JOBS: '1000' };
      a.configure({ hosts: Object.fromEntries(names.map((name) => [name, {}])) });
      await startHub(a);
      await sees(a, HOSTS, MEET_MS);
      const server = await a.startServer({}, { clientName: 'bench', program: [MAM] });
      const jobs = names
        .slice(0, ITS_HOSTS)
        .flatMap((name) => Array.from({ length: ITS_JOBS }, (_, n) => `tmux:j${n}@${name}`));
      while (jobs.length > 0)
        await Promise.all(
          jobs.splice(0, AT_ONCE).map((agent_session) =>
            server.ask('delegate_job', {
              prompt: 'Look through the tests.',
              agent: 'command',
              agent_session,
            }),
          ),
        );
      const took: number[] = [];
      const follower = await follow(a, (_, payload) => took.push(...sinceSaid(payload)));
      const pid = broker.nodes[0]?.pid ?? 0;
      const rows: Row[] = [];
      for (const rate of RATES) {
        simulation.rate(rate);
        await sleep(SETTLE_MS);
        simulation.reset();
        const first = await simulation.count();
        took.length = 0;
        const [began, cpu, hubCpu] = [now(), cpuMs(pid), cpuMs(a.hub().pid)];
        await sleep(quick ? 10_000 : 60_000);
        const last = await simulation.count();
        const seconds = (now() - began) / 1000;
        const [used, hubUsed] = [cpuMs(pid) - cpu, cpuMs(a.hub().pid) - hubCpu];
        const share = used / 1000 / seconds;
        const out = last.heard + last.toReal.messages;
        const bytesIn = last.bytes.said - first.bytes.said;
        const bytesOut = last.bytes.heard - first.bytes.heard + last.toReal.bytes;
        const messages = last.said;
        const what = `${HOSTS * JOBS} jobs, ${rate} events/s`;
        rows.push(
          {
            ...times(`event → copy on the disk, ${what}`, spread(took)),
            note: `${took.length} events of ${ITS_HOSTS * ITS_JOBS} jobs; hub ${(hubUsed / 10 / seconds).toFixed(1)} % of a core`,
          },
          times(`event → inbox of a simulated host, ${what}`, spread(last.took)),
          {
            ...{ what: `Mosquitto, ${what}`, unit: '% of a core', value: single(100 * share) },
            ...(rate === RATES[0] && { goal: `≤ ${100 * GOAL} %`, reached: share <= GOAL }),
            note: `${(last.events / seconds).toFixed(0)} events/s made; messages/s in ${(messages / seconds).toFixed(0)}, out ${(out / seconds).toFixed(0)}; KB/s in ${(bytesIn / 1000 / seconds).toFixed(0)}, out ${(bytesOut / 1000 / seconds).toFixed(0)}; ${((1000 * used) / last.events).toFixed(0)} µs an event; ${rss(pid).toFixed(0)} MB`,
          },
        );
      }
      await follower.endAsync(true);
      simulation.rate(0);
      await server.close();
      await simulation.end();
      return rows;
    },
    'loopback',
  ),
);
