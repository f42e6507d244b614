import type { TmuxServer } from './control.ts';
import { TYPING_OPTION } from './marks.ts';
import { quote } from './quote.ts';

/** `unknown`: none of the patterns matches. */
export type ScreenState = 'ready' | 'busy' | 'dialog' | 'unknown';

/** How an agent kind's screen is read. Each pattern is tried on the whole screen, so use the flag `m` for lines. */
export interface ScreenPatterns {
  ready?: RegExp;
  busy?: RegExp;
  /** Its turn is over, and its background work will begin another one. */
  background?: RegExp;
  /** Any of several patterns may match. */
  dialog?: RegExp | readonly RegExp[];
  /** A person's unsent words in the input box; tried on the screen without its dim text (placeholders). */
  draft?: RegExp;
  /** An input box with no word in its first row that is not empty; tried on the whole screen. */
  blankDraft?: RegExp;
}

/** One look at a pane: what it shows and whether it may be typed into, taken by tmux at one moment. */
export interface Shot {
  /** The physical rows, trailing blanks removed. */
  lines: string[];
  cursor_x: number;
  cursor_y: number;
  /** The program shows the alternate screen, as full-screen views do. */
  alternate?: boolean;
  /** The hub that is typing there (`typing-claim.ts`), if any. */
  claim?: string | undefined;
  /** In columns. */
  width: number;
  dead: boolean;
  in_mode: boolean;
  pane_pid: number;
  /** Keys to the pane are switched off (`select-pane -d`). */
  input_off: boolean;
  /** Keys to the pane go to its neighboring panes too. */
  synchronized: boolean;
  /** The foreground program's name. */
  command: string;
}

/** The fields that decide whether a pane may be typed into, as one string: see `guard.ts`. */
export const STATE_FORMAT =
  '#{pane_dead}|#{pane_in_mode}|#{pane_pid}|#{pane_input_off}|#{pane_synchronized}|#{pane_current_command}';

const SHOT_FORMAT = quote(
  `#{cursor_x}|#{cursor_y}|#{pane_width}|#{alternate_on}|#{${TYPING_OPTION}}|${STATE_FORMAT}`,
);

/** The text of a pane's screen, wrapped lines joined, trailing blanks removed. */
export async function capture(server: TmuxServer, pane: string): Promise<string[]> {
  return trimmed(await server.command(`capture-pane -p -J -t ${quote(pane)}`));
}

/** Looks at a pane, if it exists; one round trip. @throws MamError when tmux does not answer */
export async function shoot(server: TmuxServer, pane: string): Promise<Shot | undefined> {
  const target = quote(pane);
  try {
    return readShot(
      await server.command(`display-message -p -t ${target} ${SHOT_FORMAT} ; capture-pane -p -t ${target}`),
    );
  } catch (error) {
    if (/can't find pane/.test(String(error))) return undefined;
    throw error;
  }
}

/** Reads the answer to `SHOT_FORMAT`, and the rows after it. */
export function readShot([first = '', ...rows]: string[]): Shot {
  const [x, y, width, alternate, claim, dead, mode, pid, inputOff, synchronized, ...command] =
    first.split('|');
  return {
    lines: trimmed(rows),
    cursor_x: Number(x),
    cursor_y: Number(y),
    width: Number(width),
    alternate: alternate === '1',
    claim,
    dead: dead === '1',
    in_mode: mode !== '0',
    pane_pid: Number(pid),
    input_off: inputOff === '1',
    synchronized: synchronized === '1',
    command: command.join('|'),
  };
}

/** The screen without its dim and reverse text: a placeholder is dim, a person's words are not. */
export async function captureBright(server: TmuxServer, pane: string): Promise<string[]> {
  const rows = await server.command(`capture-pane -p -e -t ${quote(pane)}`);
  let hidden = new Set<number>();
  return rows.map((row) => {
    let bright = '';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is read here
    for (const [, codes, text] of row.matchAll(/\x1b\[([\d;:]*)m|([^\x1b]+|\x1b)/g)) {
      if (text === undefined) hidden = shade(hidden, codes ?? '');
      else if (hidden.size === 0) bright += text;
    }
    return bright.trimEnd();
  });
}

/** Follows SGR: 2 is dim, 7 reverse; 22, 27 and 0 end them. Colors (38;5;N, 38;2;R;G;B) are skipped. */
function shade(hidden: Set<number>, codes: string): Set<number> {
  const next = new Set(hidden);
  const list = codes.split(';').map((code) => Number.parseInt(code, 10) || 0);
  for (let i = 0; i < list.length; i++) {
    const code = list[i];
    if (code === 38 || code === 48 || code === 58) i += list[i + 1] === 5 ? 2 : 4;
    else if (code === 0) next.clear();
    else if (code === 2 || code === 7) next.add(code);
    else if (code === 22) next.delete(2);
    else if (code === 27) next.delete(7);
  }
  return next;
}

/** A dialog wins over busy, busy over ready. */
export function classify(lines: readonly string[], patterns: ScreenPatterns): ScreenState {
  for (const state of ['dialog', 'busy', 'ready'] as const) {
    if (find(lines, patterns[state]) !== undefined) return state;
  }
  return 'unknown';
}

/** The line on which a pattern's match begins, for a person to read, 120 characters at most. */
export function find(
  lines: readonly string[],
  pattern: RegExp | readonly RegExp[] | undefined,
): string | undefined {
  if (pattern === undefined) return undefined;
  const text = lines.join('\n');
  for (const one of pattern instanceof RegExp ? [pattern] : pattern) {
    // Not test(): a pattern with the flag g would remember its position.
    const at = text.search(one);
    if (at < 0) continue;
    const begin = text.length - text.slice(at).trimStart().length;
    const end = text.indexOf('\n', begin);
    const line = text.slice(text.lastIndexOf('\n', begin - 1) + 1, end < 0 ? undefined : end);
    return line.trim().slice(0, 120);
  }
  return undefined;
}

function trimmed(lines: string[]): string[] {
  return lines.map((line) => line.trimEnd());
}
