// A hub with 50 live jobs in 50 panes that do nothing: CPU time, and processes per job. The floor is the same tmux
// server before any hub was started.
import { setTimeout as sleep } from 'node:timers/promises';
import { main, type Row, single } from './support/bench.ts';
import { openJobs } from './support/jobs.ts';
import { inLab } from './support/lab.ts';
import { childrenCpuMs, cpuMs, descendants, rss } from './support/processes.ts';

const JOBS = 50;
const GOAL_PERCENT = 0.3;
/** How long to wait until the delegations are done and their garbage is collected, in ms. */
const REST_MS = 15_000;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const seconds = rounds(20, 8);
    await lab.startSessions(
      Array.from({ length: JOBS }, (_, index) => `before${index}`),
      'exec cat',
    );
    await sleep(1000);
    const floor = await busy([lab.tmuxPid], [], seconds);

    const server = await lab.server();
    await openJobs(lab, 1);
    const hub = lab.hub().pid;
    const withOne = descendants(hub).length;
    await openJobs(lab, JOBS - 1, 1);
    await sleep(REST_MS);
    const below = descendants(hub);
    // The watch of our hidden session runs below tmux, one per hub.
    const [ofHub, ofClient, ofTmux, ofWatch] = await Promise.all([
      busy([hub], [], seconds),
      busy(below, [], seconds),
      busy([lab.tmuxPid], [], seconds),
      busy([], descendants(lab.tmuxPid), seconds),
    ]);
    const value = ofHub + ofClient + ofTmux + ofWatch;
    await server.close();
    const perJob = (below.length - withOne) / (JOBS - 1);
    return [
      {
        what: `${JOBS} live jobs at rest, hub + control client + tmux server`,
        unit: '% of a core',
        value: single(value),
        floor: single(floor),
        goal: `≤ ${GOAL_PERCENT} %`,
        reached: value <= GOAL_PERCENT,
        note: `hub ${ofHub.toFixed(2)}, its control client ${ofClient.toFixed(2)}, tmux ${ofTmux.toFixed(2)}, watch of our hidden session ${ofWatch.toFixed(2)}; floor: the tmux server with ${JOBS} panes and no hub`,
      },
      {
        what: `processes of the hub for each job`,
        unit: '',
        value: single(perJob),
        goal: '0',
        reached: perJob === 0,
        note: `${below.length} in all; hub RSS ${rss(hub).toFixed(0)} MB`,
      },
    ];
  }),
);

/** The share of a core that processes take, in percent; for parents including their ended children. */
async function busy(pids: number[], parents: number[], seconds: number): Promise<number> {
  const used = (): number =>
    pids.reduce((all, pid) => all + cpuMs(pid), 0) + parents.reduce((all, pid) => all + cost(pid), 0);
  const before = used();
  await sleep(seconds * 1000);
  return ((used() - before) / (seconds * 1000)) * 100;
}

/** A child may end while we look. */
function cost(pid: number): number {
  try {
    return cpuMs(pid) + childrenCpuMs(pid);
  } catch {
    return 0;
  }
}
