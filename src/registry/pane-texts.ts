import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, namesIn } from '../base/folders.ts';
import { parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';

/**
 * A text of ours that was pasted into a pane, as it is known to every hub until it is seen to be gone. It holds all that
 * is needed to know the text again: its job may have ended long ago, or be out of reach.
 */
export const paneTextSchema = z.object({
  socket: z.string(),
  pane: z.string().describe('tmux pane id, such as %3'),
  pane_pid: z.number().int(),
  pane_start: z.string().describe("when the pane's first process started, as the system says it"),
  pane_ns: z.string().optional().describe('the pid namespace that its id counts in'),
  jobs: z.array(z.string()).describe('whom it is about'),
  what: z.enum(['order', 'messages', 'reminder', 'line']),
  agent: z.string().describe('its kind'),
  typing: z
    .object({
      ready: z.string().optional(),
      busy: z.string().optional(),
      dialog: z.string().optional(),
      draft: z.string().optional(),
      clear: z.string().optional(),
    })
    .optional(),
  text: z.string(),
  mark: z.string().describe('a word of the text that no other one has'),
  prompt: z.string().describe("what stood before the cursor in the cursor's row before the paste"),
  alternate: z.boolean().optional().describe("the program's other screen was shown then"),
  screen: z.string().describe('hash of the screen before the paste'),
  at: z.string(),
});
export type PaneText = z.infer<typeof paneTextSchema>;

/** A line below the text in its file, for each time that more of it was seen in the pane. */
const seenSchema = z.object({
  text: z.boolean().optional().describe('its own words'),
  cursor: z.boolean().optional().describe('at the cursor'),
  placeholder: z.string().optional().describe('what its program shows in its place'),
});
export type SeenText = z.infer<typeof seenSchema>;

/**
 * Notes a text that is about to be pasted. Not flushed to the disk: with the machine, tmux and its panes end as well.
 * @throws the system's error; then nothing may be pasted
 */
export function writePaneText(folder: string, name: string, text: PaneText): void {
  makeFolder(folder);
  const path = join(folder, name);
  try {
    writeFileSync(path, `${JSON.stringify(text)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Notes how it was seen in the pane, and the text again where its file was removed. @throws the system's error */
export function notePaneTextSeen(folder: string, name: string, text: PaneText, seen: SeenText): void {
  const path = join(folder, name);
  if (!existsSync(path)) writePaneText(folder, name, paneTextSchema.parse(text));
  appendFileSync(path, `${JSON.stringify(seen)}\n`);
}

export function removePaneText(folder: string, name: string): void {
  rmSync(join(folder, name), { force: true });
}

/** A text that is noted, or a file that can't be read: something of ours may be in any pane. */
type Noted = { name: string; text: PaneText; seen: SeenText | undefined } | { name: string };

/** Every text that is noted. */
export function readPaneTexts(folder: string): Noted[] {
  return namesIn(folder).map((name) => {
    const [line = '', ...rest] = orElse(() => readFileSync(join(folder, name), 'utf8'), '').split('\n');
    const text = paneTextSchema.safeParse(parseJson(line)).data;
    if (text === undefined) return { name };
    const seen = rest.flatMap((one) => seenSchema.safeParse(parseJson(one)).data ?? []);
    return { name, text, seen: seen.length === 0 ? undefined : Object.assign({}, ...seen) };
  });
}
