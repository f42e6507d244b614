import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, signal } from '../../support/processes.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** Finds one process of its kind and returns what ends it in a way that the lab knows. */
interface Target {
  name: string;
  share: number;
  find(
    world: World,
    random: Random,
  ): { pid: number; who: string; send(name: NodeJS.Signals): void } | undefined;
}

const TARGETS: Target[] = [
  {
    name: 'hub',
    share: 4,
    find(world) {
      const [pid] = world.lab.hubs;
      if (pid === undefined) return undefined;
      const send = (name: NodeJS.Signals): void =>
        name === 'SIGKILL' ? world.killHub(pid) : signal(pid, name);
      return { pid, who: 'hub', send };
    },
  },
  {
    name: 'server',
    share: 2,
    find({ servers }, random) {
      if (servers.length === 0) return undefined;
      const [who, server] = random.pick(servers);
      return { pid: server.pid, who, send: (name) => void server.child.kill(name) };
    },
  },
  {
    name: 'agent',
    share: 2,
    find({ agents }, random) {
      const living = agents.filter(({ isAlive }) => isAlive);
      if (living.length === 0) return undefined;
      const { pid, session } = random.pick(living);
      return { pid, who: session, send: (name) => signal(pid, name) };
    },
  },
  {
    name: 'command',
    share: 2,
    find({ commands }, random) {
      const running = [...commands];
      if (running.length === 0) return undefined;
      const [{ child }, who] = random.pick(running);
      return { pid: child.pid ?? 0, who, send: (name) => void child.kill(name) };
    },
  },
  {
    name: 'tmux client',
    share: 1,
    find({ lab }, random) {
      const pids = clients(lab.home).filter(isRunning);
      if (pids.length === 0) return undefined;
      const pid = random.pick(pids);
      return { pid, who: 'control client', send: (name) => signal(pid, name) };
    },
  },
];

const SIGNALS = [
  { name: 'SIGKILL', share: 3, what: 'killed' },
  { name: 'SIGTERM', share: 1, what: 'ended' },
  { name: 'SIGSTOP', share: 2, what: 'stopped' },
] as const;

/** Every kind of process: killed, asked to end, or stopped for some seconds. */
export const signals: Fault[] = TARGETS.flatMap(({ name, share, find }) =>
  SIGNALS.map(
    (sent): Fault => ({
      name: `${name} ${sent.what}`,
      share: share * sent.share,
      async make(world, random, hold) {
        const target = find(world, random);
        if (target === undefined) return undefined;
        target.send(sent.name);
        if (sent.name === 'SIGSTOP') {
          await hold(random.whole(300, 4_000));
          signal(target.pid, 'SIGCONT');
        }
        return `${target.who} (${target.pid})`;
      },
    }),
  ),
);

function clients(home: string): number[] {
  try {
    return readdirSync(join(home, 'clients')).map(Number);
  } catch {
    return [];
  }
}
