import { signal } from '../../support/processes.ts';
import type { Agent } from '../agent.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** A person who looks at an agent's pane, and uses its keyboard or the window around it; never their Enter. */
export const person: Fault[] = [
  {
    name: 'words typed',
    share: 3,
    async make(world, random, hold) {
      const agent = editor(world, random);
      if (agent === undefined) return undefined;
      const words = ` person ${random.whole(100, 999)}`;
      const keys = (...args: string[]) => world.lab.tmux('send-keys', '-t', agent.pane, ...args);
      if (random.chance(0.3)) await keys('Home');
      await keys('-l', words);
      await hold(random.whole(50, 3_000));
      // All of it, or as many characters as they have typed.
      if (random.chance(0.5)) await keys('C-u');
      else await keys('-N', `${words.length}`, 'BSpace');
      return agent.session;
    },
  },
  {
    name: 'Enter swallowed',
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
        const other = await lab.tmux(
          'split-window',
          '-d',
          '-P',
          '-F',
          '#{pane_id}',
          '-t',
          pane,
          'sleep 1000',
        );
        await hold(random.whole(50, 2_000));
        await lab.tmux('kill-pane', '-t', other);
      }
      return session;
    },
  },
];

function editor({ agents }: World, random: Random): Agent | undefined {
  const living = agents.filter((agent) => agent.isAlive && agent.isEditor);
  return living.length === 0 ? undefined : random.pick(living);
}
