import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ageOf } from '../base/folders.ts';
import { orElse } from '../base/or-else.ts';
import { leftAnnouncements } from '../registry/announcements.ts';
import { homePaths } from '../registry/home.ts';
import { readForeign } from '../trust/files.ts';
import type { Check } from './check.ts';
import { type Found, note } from './finding.ts';

/** The most that a handed-over text, and a file that is being written, can be old; in ms. */
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SHOWN = 3;
/** Names of files that are being written. */
const UNFINISHED = /\.(?:[0-9a-f]{8}\.tmp|[a-z0-9]{8}\.new)$/;

/** Files that killed processes left in MAM_HOME. They do no harm. */
export const leftovers: Check = {
  name: 'leftovers',
  area: 'home',
  limitMs: 3_000,

  async look({ home: folder }) {
    const { servers, spool, outbox } = homePaths(folder);
    const dead = leftAnnouncements(servers);
    const old = filesIn(spool).filter((path) => ageOf(path) > HOUR_MS);
    // Kept events name the texts that go with them, even those that can't be read as events.
    const kept = old.length === 0 ? [] : filesIn(outbox).map((path) => orElse(() => readForeign(path), ''));
    const lost = old.filter((path) => !kept.some((text) => text.includes(basename(path))));
    const torn = [folder, servers, spool]
      .flatMap(filesIn)
      .filter((path) => UNFINISHED.test(path) && ageOf(path) > MINUTE_MS);
    return [
      ...left('home.servers', dead, 'belongs to a killed server', 'belong to killed servers'),
      ...left('home.spool', lost, 'was handed over but never taken', 'were handed over but never taken'),
      ...left('home.torn', torn, 'was left half-written', 'were left half-written'),
    ];
  },
};

function filesIn(folder: string): string[] {
  const entries = orElse(() => readdirSync(folder, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
}

function left(id: string, files: string[], one: string, many: string): Found[] {
  const [first] = files;
  if (first === undefined) return [];
  const remedy = 'Nothing needs to be done: such files are ignored. They can be removed by hand.';
  return files.length === 1
    ? [note(id, `${first} ${one}.`, remedy)]
    : [note(id, `${files.length} files ${many}.`, remedy, files.slice(0, SHOWN).join('\n'))];
}
