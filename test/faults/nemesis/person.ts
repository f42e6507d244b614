import { signal } from '../../support/processes.ts';
import { pause, until } from '../../support/until.ts';
import type { Agent } from '../agent.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** How long to wait for an order, in ms. */
const ORDER_MS = 4_000;

/** A person who views an agent's pane, and uses its keyboard or window, but never presses Enter. */
export const person: Fault[] = [
  {
    name: 'words typed',
    share: 3,
    async make(world, random, hold) {
      const agent = editor(world, random);
      if (agent === undefined) return undefined;
      const words = ` person ${random.whole(100, 999)}`;
      const keys = (...args: string[]) => world.lab.tmux('send-keys', '-t', agent.pane, ...args);
      if (random.chance(0.7)) await giveOrder(world, agent);
      await pause(random.whole(0, 2_500));
      await keys('-l', words);
      await hold(random.whole(50, 3_000));
      // Deletes as many characters as they have typed, or everything.
      if (random.chance(0.5)) {
        await keys('-N', `${words.length}`, 'BSpace');
        await hold(random.whole(50, 1_000));
      }
      await keys('C-u');
      return agent.session;
    },
  },
  {
    name: 'enter swallowed',
    share: 3,
    async make(world, random) {
      const agent = editor(world, random);
      if (agent === undefined) return undefined;
      signal(agent.pid, 'SIGUSR2');
      return agent.session;
    },
  },
  {
    name: 'pane resized',
    share: 2,
    async make({ lab, agents }, random, hold) {
      const living = agents.filter(({ isAlive }) => isAlive);
      if (living.length === 0) return undefined;
      const { pane, session } = random.pick(living);
      const size = ['-x', `${random.whole(60, 200)}`, '-y', `${random.whole(10, 60)}`];
      if (random.chance(0.5)) await lab.tmux('resize-window', '-t', pane, ...size);
      else {
        const split = ['-d', '-P', '-F', '#{pane_id}', '-t', pane];
        const other = await lab.tmux('split-window', ...split, 'sleep 1000');
        await hold(random.whole(50, 2_000));
        await lab.tmux('kill-pane', '-t', other);
      }
      return session;
    },
  },
];

/** Gives it a job whose first Enter it swallows, and waits until the order is in its box, if it gets there. */
async function giveOrder(world: World, { pid, pane, session, kind }: Agent): Promise<void> {
  signal(pid, 'SIGUSR2');
  const where = { agent: kind, agent_session: `tmux:${session}` };
  const limits = { timeout_seconds: 8, idle_timeout_seconds: 3600 };
  const told = await world.ask('supervisor-1', 'delegate_job', {
    prompt: 'Look',
    request_key: world.token(),
    ...where,
    ...limits,
  });
  if (told.job !== undefined && told.outcome === 'answer') world.jobs.push({ id: told.job, agent: session });
  const order = async () =>
    /READY> .*delegated/s.test(await world.lab.tmux('capture-pane', '-p', '-t', pane));
  await until('an order is in the box', order, ORDER_MS).catch(() => {});
}

function editor({ agents }: World, random: Random): Agent | undefined {
  const living = agents.filter((agent) => agent.isAlive && agent.isEditor);
  return living.length === 0 ? undefined : random.pick(living);
}
