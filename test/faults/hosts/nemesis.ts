import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BROKER_HOST } from '../../support/hosts/network.ts';
import { signal } from '../../support/processes.ts';
import { pause } from '../../support/until.ts';
import { fill } from '../mounts.ts';
import type { Choice } from '../nemesis/index.ts';
import type { Random } from '../random.ts';
import type { HostsWorld } from './world.ts';

/** Something that goes wrong, and is right again when this resolves. */
interface HostFault {
  name: string;
  share: number;
  can?(world: HostsWorld): boolean;
  make(world: HostsWorld, random: Random, longest: number): Promise<void>;
}

const hasBroker = ({ broker }: HostsWorld) => broker !== undefined;
const isCluster = ({ broker }: HostsWorld) => (broker?.nodes.length ?? 0) > 1;
const isSsh = ({ way }: HostsWorld) => way === 'ssh';

/** Cuts for a time these hosts can't be reached. */
async function cut(world: HostsWorld, hosts: readonly string[], ms: number): Promise<void> {
  for (const host of hosts) await world.net.cut(host);
  await pause(ms);
  for (const host of hosts) await world.net.mend(host);
}

/** A link that takes little and drops the rest. */
async function narrow(world: HostsWorld, host: string, rate: string, ms: number): Promise<void> {
  const port = `port${world.net.net.address(host).split('.').at(-1)}`;
  const tc = (at: string, ...words: string[]) => {
    const [file = '', ...args] = [...world.net.net.prefix(at), 'tc', 'qdisc', ...words];
    spawnSync(file, args);
  };
  const shape = ['root', 'tbf', 'rate', rate, 'burst', '3kb', 'latency', '800ms'];
  tc(BROKER_HOST, 'replace', 'dev', port, ...shape);
  tc(host, 'replace', 'dev', 'eth0', ...shape);
  await pause(ms);
  tc(BROKER_HOST, 'del', 'dev', port, 'root');
  tc(host, 'del', 'dev', 'eth0', 'root');
}

const FAULTS: HostFault[] = [
  {
    name: 'a link cut',
    share: 4,
    make: (world, random, longest) => cut(world, [random.pick(world.net.names)], random.whole(300, longest)),
  },
  {
    name: 'all links cut',
    share: 1,
    make: (world, random, longest) => cut(world, world.net.names, random.whole(300, longest)),
  },
  {
    name: 'a link that flaps',
    share: 2,
    async make(world, random) {
      const host = random.pick(world.net.names);
      for (let n = 0; n < 12; n++) {
        await cut(world, [host], random.whole(50, 900));
        await pause(random.whole(50, 600));
      }
    },
  },
  {
    name: 'a narrow link',
    share: 2,
    can: ({ net }) => net.net.kind === 'namespaces',
    make: (world, random, longest) =>
      narrow(
        world,
        random.pick(world.net.names),
        random.pick(['4kbit', '16kbit', '64kbit']),
        random.whole(2_000, longest),
      ),
  },
  {
    name: 'the broker killed, empty again',
    share: 2,
    can: hasBroker,
    async make({ broker }, random) {
      await broker?.kill();
      await pause(random.whole(0, 5_000));
      await broker?.restart(undefined, { empty: true });
    },
  },
  {
    name: 'the broker stopped',
    share: 1,
    can: hasBroker,
    async make({ broker }, random) {
      await broker?.stop();
      await pause(random.whole(0, 5_000));
      await broker?.restart();
    },
  },
  {
    name: 'the broker frozen',
    share: 2,
    can: hasBroker,
    async make({ broker }, random, longest) {
      broker?.freeze();
      await pause(random.whole(300, longest));
      broker?.thaw();
    },
  },
  {
    name: 'a node killed',
    share: 3,
    can: isCluster,
    async make({ broker }, random, longest) {
      const node = random.whole(0, (broker?.nodes.length ?? 1) - 1);
      await broker?.kill(node);
      await pause(random.whole(1_000, longest));
      await broker?.restart(node);
    },
  },
  {
    name: 'a node frozen',
    share: 3,
    can: isCluster,
    async make({ broker }, random, longest) {
      const node = random.whole(0, (broker?.nodes.length ?? 1) - 1);
      broker?.freeze(node);
      await pause(random.whole(1_000, longest));
      broker?.thaw(node);
    },
  },
  {
    name: 'a hub killed',
    share: 4,
    async make(world, random) {
      const lab = random.pick(world.labs);
      for (const pid of lab.hubs) {
        lab.killedHubs.add(pid);
        signal(pid, 'SIGKILL');
      }
      await pause(random.whole(0, 3_000));
      await lab.mam('hub', 'status');
    },
  },
  {
    name: 'all hubs killed',
    share: 1,
    async make(world) {
      for (const lab of world.labs)
        for (const pid of lab.hubs) {
          lab.killedHubs.add(pid);
          signal(pid, 'SIGKILL');
        }
      await Promise.all(world.labs.map((lab) => lab.mam('hub', 'restart')));
    },
  },
  {
    name: 'a hub restarted',
    share: 2,
    async make(world, random) {
      await random.pick(world.labs).mam('hub', 'restart');
    },
  },
  {
    name: 'a hub frozen',
    share: 3,
    async make(world, random, longest) {
      const { hubs } = random.pick(world.labs);
      for (const pid of hubs) signal(pid, 'SIGSTOP');
      await pause(random.whole(300, longest));
      for (const pid of hubs) signal(pid, 'SIGCONT');
    },
  },
  {
    name: 'a machine asleep',
    share: 2,
    async make(world, random, longest) {
      const lab = random.pick(world.labs);
      const slept = lab.processes.map(({ pid }) => pid);
      for (const pid of slept) signal(pid, 'SIGSTOP');
      await world.net.cut(lab.host);
      await pause(random.whole(1_000, longest));
      await world.net.mend(lab.host);
      for (const pid of slept) signal(pid, 'SIGCONT');
    },
  },
  {
    name: 'ssh connections killed',
    share: 4,
    can: isSsh,
    async make(world, random) {
      await world.sshds.get(random.pick(world.net.names))?.cut();
    },
  },
  {
    name: 'an ssh killed',
    share: 3,
    can: isSsh,
    async make(world, random) {
      const lab = random.pick(world.labs);
      for (const { pid, command } of lab.processes)
        if (command.startsWith('/usr/bin/ssh ')) signal(pid, 'SIGKILL');
    },
  },
  {
    name: 'an sshd away',
    share: 2,
    can: isSsh,
    async make(world, random, longest) {
      const sshd = world.sshds.get(random.pick(world.net.names));
      await sshd?.stop();
      await pause(random.whole(300, longest));
      await sshd?.start();
    },
  },
  {
    name: 'a full disk',
    share: 2,
    can: ({ mounts }) => mounts.folders.length > 0,
    async make(world, random) {
      const lab = random.pick(world.labs);
      const folder = random.pick([lab.home, join(lab.project, '.mam')]);
      const empty = fill(folder);
      await pause(random.whole(500, 6_000));
      empty();
    },
  },
  {
    name: 'a registry moved away',
    share: 1,
    async make(world, random) {
      const { registry } = random.pick(world.labs);
      const away = `${registry}-away`;
      if (!existsSync(registry)) return;
      renameSync(registry, away);
      await pause(random.whole(200, 4_000));
      // A hub may have made a new one, with new jobs: these stay as well.
      if (existsSync(registry)) spawnSync('cp', ['-an', `${registry}/.`, away]);
      rmSync(registry, { recursive: true, force: true });
      renameSync(away, registry);
    },
  },
  {
    name: 'an agent killed',
    share: 1,
    async make(world, random) {
      const lab = random.pick(world.labs);
      const agent = random.pick((world.agents.get(lab.host) ?? []).filter(({ isAlive }) => isAlive));
      if (agent === undefined) return;
      signal(agent.pid, 'SIGKILL');
      await pause(1_500);
      await lab.tmux('kill-session', '-t', `=${agent.session}`).catch(() => {});
      await world.startAgent(lab, agent.session);
    },
  },
  {
    name: 'supervisors killed',
    share: 1,
    async make(world, random) {
      for (const { pid } of random.pick(world.labs).servers) signal(pid, 'SIGKILL');
    },
  },
  {
    name: 'pruned',
    share: 1,
    async make(world, random) {
      await random.pick(world.labs).mam('prune', '--older-than', '7d');
    },
  },
];

/** Causes one fault after another until the time is over, some at once; all is right again when this resolves. */
export async function raise(
  world: HostsWorld,
  random: Random,
  until: number,
  longest: number,
  choice: Choice,
): Promise<void> {
  const unknown = [...choice.only, ...choice.without].find(
    (name) => !FAULTS.some((one) => one.name === name),
  );
  if (unknown !== undefined)
    throw new Error(`There is no fault ${unknown}. There are: ${FAULTS.map(({ name }) => name).join(', ')}.`);
  const possible = FAULTS.filter(
    ({ name, can }) =>
      can?.(world) !== false &&
      !choice.without.includes(name) &&
      (choice.only.length === 0 || choice.only.includes(name)),
  );
  const shares = Object.fromEntries(possible.map(({ name, share }) => [name, share]));
  const make = async (): Promise<void> => {
    const name = random.weighted(shares);
    const fault = possible.find((one) => one.name === name) as HostFault;
    world.note(`begins: ${name}`);
    await fault.make(world, random, longest).catch((error: Error) => {
      world.note(`could not be made: ${name}`, { error: error.message });
    });
    world.note(`over: ${name}`);
    world.faults.set(name, (world.faults.get(name) ?? 0) + 1);
  };
  while (Date.now() < until) {
    await pause(random.whole(200, 2_500));
    await (random.chance(0.25) ? Promise.all([make(), make()]) : make());
  }
}
