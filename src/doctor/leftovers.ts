import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { orElse } from '../base/or-else.ts';
import { leftAnnouncements } from '../registry/announcements.ts';
import { homePaths } from '../registry/home.ts';
import { readForeign } from '../trust/files.ts';
import type { Check } from './check.ts';
import { type Found, note } from './finding.ts';

/** What is being handed over or written is there for a moment; in ms. */
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SHOWN = 3;
/** The names of files that are being written. */
const UNFINISHED = /\.(?:[0-9a-f]{8}\.tmp|[a-z0-9]{8}\.new)$/;

/** What processes that were killed have left in MAM_HOME. None of it does harm. */
export const leftovers: Check = {
  name: 'leftovers',
  area: 'home',
  limitMs: 3_000,

  async look({ home: folder }) {
    const { servers, spool, outbox } = homePaths(folder);
    const dead = leftAnnouncements(servers);
    const lost = filesIn(spool)
      .filter(({ age }) => age > HOUR_MS)
      .map(pathOf);
    const needed = lost.length === 0 ? '' : filesIn(outbox).map(textOf).join('\n');
    const torn = [folder, servers, spool]
      .flatMap(filesIn)
      .filter(({ name, age }) => UNFINISHED.test(name) && age > MINUTE_MS)
      .map(pathOf);
    return [
      ...left('home.servers', dead, 'tells of a server that was killed', 'tell of servers that were killed'),
      ...left(
        'home.spool',
        lost.filter((path) => !needed.includes(basename(path))),
        'was handed over and never taken',
        'were handed over and never taken',
      ),
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

/** Kept events name the texts that go with them, also those that can't be read as events. */
function textOf({ path }: File): string {
  return orElse(() => readForeign(path), '');
}

function pathOf({ path }: File): string {
  return path;
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

function left(id: string, files: string[], one: string, many: string): Found[] {
  const [first] = files;
  if (first === undefined) return [];
  const title = files.length === 1 ? `${first} ${one}.` : `${files.length} files ${many}.`;
  const shown = files.slice(0, SHOWN);
  const remedy = 'Nothing has to be done: they are passed over. They can be removed by hand.';
  return [note(id, title, remedy, files.length === 1 ? undefined : shown.join('\n'))];
}
