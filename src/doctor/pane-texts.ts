import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ageOf, namesIn } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { startOf } from '../base/processes.ts';
import { cleanLine } from '../base/text.ts';
import { homePaths } from '../registry/home.ts';
import { type PaneText, paneTextSchema } from '../registry/pane-texts.ts';
import { readForeign } from '../trust/files.ts';
import type { Check } from './check.ts';
import { type Found, problem } from './finding.ts';

/** A text that is being sent has left the input box after this time; in ms. */
const ON_ITS_WAY_MS = 2_500;
const POLL_MS = 100;
/** A note that can't be read this long (ms) after it was written is damaged. */
const BEING_WRITTEN_MS = 60_000;
const WORD_CHARS = 80;

/** Texts of mam that were pasted into a pane and are not known to have been sent: they block it for every other job. */
export const paneTexts: Check = {
  name: 'pane texts',
  area: 'tmux',
  limitMs: 6_000,

  async look({ home }, signal) {
    const folder = homePaths(home).panes;
    const paths = () => namesIn(folder).map((name) => join(folder, name));
    const texts = () => paths().flatMap((path) => textIn(path) ?? []);
    let left = texts().filter(isThere);
    for (const end = Date.now() + ON_ITS_WAY_MS; left.some(isNew) && Date.now() < end; ) {
      await sleep(POLL_MS, undefined, { signal });
      left = texts().filter(isThere);
    }
    const damaged = paths().filter((path) => textIn(path) === undefined && ageOf(path) > BEING_WRITTEN_MS);
    return [...left.filter((text) => !isNew(text)).map(unsent), ...damaged.map(unreadable)];
  },
};

function unreadable(path: string): Found {
  const title = `${path} is about a text that mam pasted into a pane, but can't be read: the text may still be there, unsent.`;
  const remedy =
    'Look into the panes that mam types into, send or remove such a text, and then remove the file.';
  return problem('tmux.note', title, remedy);
}

/** Nothing for one that is half written, or was just removed. */
function textIn(path: string): PaneText | undefined {
  const [line = ''] = orElse(() => readForeign(path), '').split('\n');
  return paneTextSchema.safeParse(parseJson(line)).data;
}

function isThere({ pane_pid, pane_start }: PaneText): boolean {
  return startOf(pane_pid) === pane_start;
}

/** It was just pasted, and may be about to be sent. */
function isNew({ at }: PaneText): boolean {
  const age = Date.now() - Date.parse(at);
  // Negative if the clock was set back.
  return age >= 0 && age < ON_ITS_WAY_MS;
}

function unsent({ pane, socket, jobs: [job], what }: PaneText): Found {
  const place = `pane ${cleanLine(pane, WORD_CHARS)} of ${cleanLine(socket, 2 * WORD_CHARS)}`;
  const title = `A text of mam (${what}) is in the input box of ${place}, or may appear there: mam did not see it being sent.`;
  const attach = job !== undefined && isJobId(job) ? `\`mam attach ${job}\`` : 'Attach to it';
  const remedy = `${attach}, and send or remove it there: other jobs wait until it is gone.`;
  return problem('tmux.text', title, remedy);
}
