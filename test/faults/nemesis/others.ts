import { join } from 'node:path';
import { pause } from '../../support/until.ts';
import type { Fault } from './fault.ts';

/** Others who compete for the same things, and the machine itself. */
export const others: Fault[] = [
  {
    name: 'second home',
    share: 2,
    async make(world, random) {
      const home = join(world.lab.folder, 'second');
      if (!world.lab.homes.includes(home)) world.lab.homes.push(home);
      const job = world.jobs.length === 0 ? undefined : random.pick(world.jobs.slice(-5)).id;
      if (job === undefined) return undefined;
      const about = { job, who: 'second home', env: { MAM_HOME: home } };
      const detail = world.token();
      await Promise.all([
        world.run(['wait', '--job', job, '--timeout', '1'], about),
        world.run(['publish', '--job', job, '--event', 'progress', '--detail', detail], {
          ...about,
          token: detail,
        }),
        world.run(['list'], about),
      ]);
      return job;
    },
  },
  {
    name: 'machine asleep',
    share: 2,
    async make(world, random) {
      const ms = random.whole(500, 5_000);
      await world.frozen(() => pause(ms), 'stopped');
      return `${ms} ms`;
    },
  },
  {
    name: 'second hub',
    share: 2,
    async make(world) {
      await world.open();
      // Like two clients that start one at the same time.
      const [one, other] = [world.lab.start(['hub-process']), world.lab.start(['hub-process'])];
      return `${one.child.pid} and ${other.child.pid}`;
    },
  },
];
