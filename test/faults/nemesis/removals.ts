import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isJobId } from '../../../src/base/ids.ts';
import type { Fault } from './fault.ts';

/** It may have been recreated: a person moves the new jobs along. Of an existing job only the old folder counts. */
function putBack(registry: string, away: string): void {
  const anew = join(registry, `../anew-${Date.now()}`);
  if (existsSync(registry)) renameSync(registry, anew);
  renameSync(away, registry);
  if (!existsSync(anew)) return;
  for (const id of readdirSync(anew).filter(isJobId))
    if (!existsSync(join(registry, id))) renameSync(join(anew, id), join(registry, id));
  rmSync(anew, { recursive: true, force: true });
}

function removeIfThere(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  rmSync(path, { recursive: true });
  return path;
}

/** What a person, a cleaner or a vanishing disk may remove under a running hub. */
export const removals: Fault[] = [
  {
    name: 'registry away',
    share: 4,
    async make({ lab }, random, hold) {
      const away = join(lab.registry, '../away');
      if (!existsSync(lab.registry) || existsSync(away)) return undefined;
      renameSync(lab.registry, away);
      try {
        await hold(random.whole(200, 4_000));
      } finally {
        putBack(lab.registry, away);
      }
      return lab.registry;
    },
  },
  {
    name: 'prompt gone',
    share: 1,
    async make({ lab, jobs, lostTasks }, random) {
      if (jobs.length === 0) return undefined;
      const { id } = random.pick(jobs.slice(-4));
      const path = join(lab.registry, id, 'prompt.md');
      if (!existsSync(path)) return undefined;
      lostTasks.set(id, readFileSync(path, 'utf8'));
      rmSync(path);
      return path;
    },
  },
  {
    name: 'index gone',
    share: 1,
    make: async ({ lab }) => removeIfThere(join(lab.registry, '.index.jsonl')),
  },
  {
    // Not `clients`: its notes let the next hub end a killed hub's control client, which tmux 3.3a may keep forever.
    name: 'part of the home gone',
    share: 3,
    async make({ lab }, random) {
      const name = random.pick(['hub.sock', 'hub.json', 'known', 'panes', 'agents']);
      return removeIfThere(join(lab.home, name));
    },
  },
];
