import type { TmuxServer } from './control.ts';
import { TYPING_OPTION } from './marks.ts';
import { quote } from './quote.ts';

/** What an agent's screen says: `unknown` when none of the patterns is seen. */
export type ScreenState = 'ready' | 'busy' | 'dialog' | 'unknown';

/** How an agent kind's screen is read; each is tried on the whole screen, so give `m` for lines. */
export interface ScreenPatterns {
  ready?: RegExp;
  busy?: RegExp;
  /** Its turn is over, and something of its own still runs that will begin another one. */
  background?: RegExp;
  /** Any of several. */
  dialog?: RegExp | readonly RegExp[];
  /** A person's unsent words in the input box; tried on the screen without its dim text (placeholders). */
  draft?: RegExp;
  /** An input box that holds no word in its first row and yet is not empty; tried on the whole screen. */
  blankDraft?: RegExp;
}

/** One look at a pane: what it shows and whether it may be typed into, taken by tmux at one moment. */
export interface Shot {
  /** The physical rows, trailing blanks removed. */
  lines: string[];
  cursor_x: number;
  cursor_y: number;
  /** The program shows its other screen, as full-screen views do. */
  alternate?: boolean;
  /** The hub that is typing there, as `typing-claim.ts` writes it; empty: none. */
  claim?: string | undefined;
  /** Columns of the pane. */
  width: number;
  dead: boolean;
  in_mode: boolean;
  pane_pid: number;
  /** Keys to the pane are switched off (`select-pane -d`). */
  input_off: boolean;
  /** Keys to the pane go to its neighbours too. */
  synchronized: boolean;
  /** The foreground program's name. */
  command: string;
}

/** The fields that decide whether a pane may be typed into, as one string: see `guard.ts`. */
export const STATE_FORMAT =
  '#{pane_dead}|#{pane_in_mode}|#{pane_pid}|#{pane_input_off}|#{pane_synchronized}|#{pane_current_command}';

/** The text of a pane's screen, terminal-wrapped lines joined, trailing blanks removed. */
export async function capture(server: TmuxServer, pane: string): Promise<string[]> {
  return trimmed(await server.command(`capture-pane -p -J -t ${quote(pane)}`));
}

/**
 * Looks at a pane; one round trip.
 * @returns nothing when there is no such pane
 * @throws MamError when tmux does not answer
 */
export async function shoot(server: TmuxServer, pane: string): Promise<Shot | undefined> {
  try {
    return readShot(await server.command(shotCommand(pane)));
  } catch (error) {
    if (/can't find pane/.test(String(error))) return undefined;
    throw error;
  }
}

/** The command whose answer `readShot` reads. */
export function shotCommand(pane: string): string {
  const target = quote(pane);
  const state = quote(
    `#{cursor_x}|#{cursor_y}|#{pane_width}|#{alternate_on}|#{${TYPING_OPTION}}|${STATE_FORMAT}`,
  );
  return `display-message -p -t ${target} ${state} ; capture-pane -p -t ${target}`;
}

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

/** Follows SGR: 2 is dim, 7 reverse; 22, 27 and 0 end them. Colours (38;5;N, 38;2;R;G;B) are skipped whole. */
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

/** What state the screen shows: a dialog wins over busy, busy over ready. */
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
  for (const one of Array.isArray(pattern) ? (pattern as readonly RegExp[]) : [pattern as RegExp]) {
    const line = findOne(text, one);
    if (line !== undefined) return line;
  }
  return undefined;
}

function findOne(text: string, pattern: RegExp): string | undefined {
  // Not test(): a pattern with the g flag would remember its place.
  const at = text.search(pattern);
  if (at < 0) return undefined;
  const matched = text.slice(at).trimStart();
  const begin = text.length - matched.length;
  const end = text.indexOf('\n', begin);
  const line = text.slice(text.lastIndexOf('\n', begin - 1) + 1, end < 0 ? undefined : end);
  return line.trim().slice(0, 120);
}

function trimmed(lines: string[]): string[] {
  return lines.map((line) => line.trimEnd());
}
