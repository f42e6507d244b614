import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exists } from '../processes.ts';
import { NEIGHBOUR } from '../registry/files.ts';
import { homePaths } from '../registry/home.ts';
import type { Check } from './check.ts';
import { type Found, note } from './finding.ts';

/** What is being handed over or written is there for a moment; in ms. */
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SHOWN = 3;

/** What processes that were killed have left in MAM_HOME. None of it does harm. */
export const leftovers: Check = {
  name: 'leftovers',
  area: 'home',
  limitMs: 3_000,

  async look({ home: folder }) {
    const { servers, spool } = homePaths(folder);
    const dead = filesIn(servers).filter(({ name }) => !exists(Number.parseInt(name, 10)));
    const lost = filesIn(spool).filter(({ age }) => age > HOUR_MS);
    const torn = [folder, servers, spool].flatMap(filesIn).filter(({ name, age }) => {
      return (NEIGHBOUR.test(name) || name.endsWith('.new')) && age > MINUTE_MS;
    });
    return [
      ...left('home.servers', dead, 'tells of a server that was killed', 'tell of servers that were killed'),
      ...left('home.spool', lost, 'was handed over and never taken', 'were handed over and never taken'),
      ...left(
        'home.torn',
        torn,
        'was being written by a process that was killed',
        'were being written by processes that were killed',
      ),
    ];
  },
};

interface File {
  name: string;
  path: string;
  /** In ms. */
  age: number;
}

function filesIn(folder: string): File[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => {
        const path = join(folder, name);
        return {
          name,
          path,
          age: Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()),
        };
      });
  } catch {
    return [];
  }
}

function left(id: string, files: File[], one: string, many: string): Found[] {
  const [first] = files;
  if (first === undefined) return [];
  const title = files.length === 1 ? `${first.path} ${one}.` : `${files.length} files ${many}.`;
  const shown = files.slice(0, SHOWN).map(({ path }) => path);
  const remedy = 'Nothing has to be done: they are passed over. They can be removed by hand.';
  return [note(id, title, remedy, files.length === 1 ? undefined : shown.join('\n'))];
}
