import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, namesIn } from '../base/folders.ts';
import { parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';

/**
 * A text of ours that was pasted into a pane, noted for every hub until it is seen to be gone. It holds everything
 * needed to recognise the text: its job may have ended long ago, or be out of reach.
 */
export const paneTextSchema = z.object({
  socket: z.string(),
  pane: z.string().describe('tmux pane id, such as %3'),
  pane_pid: z.number().int(),
  pane_start: z.string().describe("when the pane's first process started, in the system's form"),
  pane_ns: z.string().optional().describe('the pid namespace of its id'),
  jobs: z.array(z.string()).describe('the jobs that it is about'),
  what: z.enum(['order', 'messages', 'reminder', 'line', 'new_conversation']),
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
  mark: z.string().describe('a word that no other text has'),
  prompt: z.string().describe('the text before the cursor in its row before the paste'),
  alternate: z.boolean().optional().describe("the program's alternate screen was shown then"),
  screen: z.string().describe('hash of the screen before the paste'),
  at: z.string(),
});
export type PaneText = z.infer<typeof paneTextSchema>;

/** A line below the text in its file, added each time more of the text was seen in the pane. */
const seenSchema = z.object({
  text: z.boolean().optional().describe('its own words'),
  cursor: z.boolean().optional().describe('at the cursor'),
  placeholder: z.string().optional().describe('what the program shows instead of it'),
});
export type SeenText = z.infer<typeof seenSchema>;

/**
 * Notes a text that is about to be pasted. Not flushed to the disk: if the machine goes down, so do tmux and its panes.
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

/** Notes how it was seen in the pane; writes the text again if its file was removed. @throws the system's error */
export function notePaneTextSeen(folder: string, name: string, text: PaneText, seen: SeenText): void {
  const path = join(folder, name);
  if (!existsSync(path)) writePaneText(folder, name, paneTextSchema.parse(text));
  appendFileSync(path, `${JSON.stringify(seen)}\n`);
}

export function removePaneText(folder: string, name: string): void {
  rmSync(join(folder, name), { force: true });
}

/** A noted text, or a file that can't be read: then any pane may hold a text of ours. */
type Noted = { name: string; text: PaneText; seen: SeenText | undefined } | { name: string };

/** All noted texts. */
export function readPaneTexts(folder: string): Noted[] {
  return namesIn(folder).map((name) => {
    const [line = '', ...rest] = orElse(() => readFileSync(join(folder, name), 'utf8'), '').split('\n');
    const text = paneTextSchema.safeParse(parseJson(line)).data;
    if (text === undefined) return { name };
    const seen = rest.flatMap((one) => seenSchema.safeParse(parseJson(one)).data ?? []);
    return { name, text, seen: seen.length === 0 ? undefined : Object.assign({}, ...seen) };
  });
}
