import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { namesIn } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { startOf } from '../base/processes.ts';
import { cleanLine } from '../base/text.ts';
import { homePaths } from '../registry/home.ts';
import { type PaneText, paneTextSchema } from '../registry/pane-texts.ts';
import { readForeign } from '../trust/files.ts';
import type { Check } from './check.ts';
import { type Found, problem } from './finding.ts';

/** A text that is only on its way has left its box after so long; in ms. */
const ON_ITS_WAY_MS = 2_500;
const LOOK_MS = 100;
/** A note that can't be read so long (ms) after it was written is damaged. */
const BEING_WRITTEN_MS = 60_000;
const WORD_CHARS = 80;

/** Texts of ours that were pasted into a pane and are not known to have been sent: they keep every other job out of it. */
export const paneTexts: Check = {
  name: 'pane texts',
  area: 'tmux',
  limitMs: 6_000,

  async look({ home }, signal) {
    const folder = homePaths(home).panes;
    const texts = () => namesIn(folder).flatMap((name) => textIn(join(folder, name)) ?? []);
    let left = texts().filter(isThere);
    for (
      const end = Date.now() + ON_ITS_WAY_MS;
      left.some(isNew) && Date.now() < end;
      left = texts().filter(isThere)
    )
      await sleep(LOOK_MS, undefined, { signal });
    const paths = namesIn(folder).map((name) => join(folder, name));
    const damaged = paths.filter((path) => textIn(path) === undefined && age(path) > BEING_WRITTEN_MS);
    return [...left.filter((text) => !isNew(text)).map(standing), ...damaged.map(unreadable)];
  },
};

/** In ms; 0 for what is gone. */
function age(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

function unreadable(path: string): Found {
  return problem(
    'tmux.note',
    `${path} tells of a text of mam in a pane, and can't be read: that text may stand there unsent.`,
    'Look into the panes that mam types into, send or remove such a text, and then remove the file.',
  );
}

function textIn(path: string): PaneText | undefined {
  try {
    const [line = ''] = readForeign(path).split('\n');
    return paneTextSchema.safeParse(JSON.parse(line)).data;
  } catch {
    // Half written, or removed between the two looks.
    return undefined;
  }
}

function isThere({ pane_pid, pane_start }: PaneText): boolean {
  return startOf(pane_pid) === pane_start;
}

/** It was pasted a moment ago, and may be sent in the next one. */
function isNew({ at }: PaneText): boolean {
  const age = Date.now() - Date.parse(at);
  // One that lies ahead: the clock was set back.
  return age >= 0 && age < ON_ITS_WAY_MS;
}

function standing({ pane, socket, jobs: [job], what }: PaneText): Found {
  const place = `pane ${cleanLine(pane, WORD_CHARS)} of ${cleanLine(socket, 2 * WORD_CHARS)}`;
  const title = `A text of mam (${what}) stands in the input box of ${place}, or may come up there: it was not seen to be sent.`;
  const attach = job !== undefined && isJobId(job) ? `\`mam attach ${job}\`` : 'Attach to it';
  return problem(
    'tmux.text',
    title,
    `${attach}, and send or remove it there: other jobs wait until it is gone.`,
  );
}
