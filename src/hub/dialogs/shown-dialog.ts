import { builtIn, screenOf } from '../../agents/index.ts';
import type { ShownPermission } from '../../agents/kind.ts';
import { cleanLine } from '../../base/text.ts';
import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import { find } from '../../tmux/screen.ts';
import { toolWords, wholeOf } from './permission-draft.ts';
import { compareShown, compareTold, letters, type Sameness, type ShownCall } from './same-call.ts';

/** How much of an unreadable dialog is reported: rows, characters of each, and of all. */
const ROWS = 5;
const ROW_CHARS = 100;
const ROWS_CHARS = 280;
/** How far above its pattern the frame of a dialog is looked for, in rows. */
const ROWS_ABOVE = 15;
/** Without a frame: the row of the pattern, and those right above it. Lists show 160 characters in all. */
const PATTERN_ROW_CHARS = 200;
const ABOVE = { rows: 8, room: 140 };

/** A dialog on an agent's screen. One that is not `whole` is never allowed by key. */
export interface ShownDialog extends ShownCall {
  /** Equal for two looks at the same dialog, however the pane wraps it. */
  key: string;
  /** `permission`, `trust`, …; `other` if the kind has no name for it. */
  name: string;
  /** What a person must do in the pane. */
  remedy: string;
  choice?: ShownPermission['choice'];
}

/** The dialog that a screen shows, if any. */
export function dialogOn(
  lines: readonly string[],
  { agent, typing }: { agent: string; typing?: Parameters<typeof screenOf>[1] },
): ShownDialog | undefined {
  const kind = builtIn(agent);
  for (const { name, pattern, remedy } of kind?.dialogs ?? []) {
    if (find(lines, pattern) === undefined) continue;
    const shown = name === 'permission' ? kind?.permission?.read(lines) : undefined;
    const tool = shown?.tool ?? `dialog (${name})`;
    const input = shown?.input ?? framedRows(lines, pattern);
    return {
      key: `${name}\n${letters(`${tool} ${input}`)}`,
      name,
      tool,
      input,
      whole: shown !== undefined && shown.partial !== true,
      isRead: shown !== undefined,
      commands: kind?.permission?.commands ?? [],
      remedy,
      choice: shown?.choice,
    };
  }
  const own = typing?.dialog === undefined ? undefined : screenOf(agent, typing).dialog;
  if (find(lines, own) === undefined) return undefined;
  // Above the match may be a transcript.
  const input = fitting(lines.slice(lineOf(lines, own)), { first: PATTERN_ROW_CHARS }).join('\n');
  const unread = { name: 'other', tool: 'dialog', whole: false, isRead: false, commands: [] };
  return { ...unread, key: `other\n${letters(rowsAround(lines, own))}`, input, remedy: 'answer the dialog' };
}

/** The first rows in the frame of a dialog that can't be read; without a frame those around its pattern. */
function framedRows(lines: readonly string[], pattern: RegExp): string {
  const at = lineOf(lines, pattern);
  let top = at;
  while (top > 0 && at - top < ROWS_ABOVE && !isFrame(lines[top - 1] ?? '')) top--;
  return isFrame(lines[top - 1] ?? '')
    ? fitting(lines.slice(top), {}).join('\n')
    : rowsAround(lines, pattern);
}

/** The row with a dialog's pattern, the rows below it, and those right above it: further up may be a transcript. */
function rowsAround(lines: readonly string[], pattern: RegExp | readonly RegExp[] | undefined): string {
  const at = lineOf(lines, pattern);
  let top = at;
  const above = (by: number) => lines[top - by] ?? '';
  while (top > 0 && !isFrame(above(1)) && `${above(1)}${above(2)}`.trim() !== '') top--;
  const before = fitting(lines.slice(top, at).reverse(), ABOVE).reverse();
  return [...before, ...fitting(lines.slice(at), { first: PATTERN_ROW_CHARS })].join('\n');
}

/** The first rows with text that fit, without frames and the mark of the chosen option. */
function fitting(
  lines: readonly string[],
  { rows: most = ROWS, room = ROWS_CHARS, first = ROW_CHARS },
): string[] {
  const rows: string[] = [];
  let left = room;
  for (const line of lines) {
    const bare = line.replace(/[│┃╭╮╰╯]/g, ' ').replace(/^\s*[❯›●>]\s/, '');
    const row = cleanLine(bare, rows.length === 0 ? first : ROW_CHARS);
    if (row === '' || isFrame(row)) continue;
    left -= row.length + 1;
    if (left < 0 || rows.length === most) break;
    rows.push(row);
  }
  return rows;
}

/** The last row on which a match of the pattern begins: an earlier question may still be in the transcript. */
function lineOf(lines: readonly string[], pattern: RegExp | readonly RegExp[] | undefined): number {
  for (const one of pattern instanceof RegExp ? [pattern] : (pattern ?? [])) {
    for (let row = -1; ; ) {
      const text = lines.slice(row + 1).join('\n');
      const at = text.search(one);
      if (at < 0 && row < 0) break;
      if (at < 0) return row;
      const begin = text.length - text.slice(at).trimStart().length;
      row += text.slice(0, begin).split('\n').length;
    }
  }
  return lines.length - 1;
}

function isFrame(line: string): boolean {
  return /^[\s─━═╌▔▄▀│┃╭╮╰╯┌┐└┘╹]*[─━═╌▔▄▀]{3}[\s─━═╌▔▄▀│┃╭╮╰╯┌┐└┘╹]*$/.test(line);
}

/**
 * Whether a dialog is that of a request.
 * @param seen the dialog that was seen for the request before, if any
 * @param told what a hook has reported about the request; otherwise its record counts
 */
export function compareDialog(
  dialog: ShownDialog | undefined,
  request: PeerRequest,
  { seen, told }: { seen?: ShownDialog | undefined; told?: HookReport | undefined },
): Sameness {
  if (dialog === undefined) return 'other';
  if (seen !== undefined && !sameDialog(dialog, seen)) return 'other';
  const said = compareSaid(dialog, request, told);
  // A dialog may show more than was reported about the request.
  return seen === undefined || said === 'other' ? said : 'same';
}

function compareSaid(dialog: ShownDialog, request: PeerRequest, told: HookReport | undefined): Sameness {
  if (request.source === 'hub') return compareRead(dialog, request);
  return dialog.name === 'permission' ? compareTold(dialog, told ?? wholeOf(request)) : 'other';
}

/** For a request that was read from the screen itself. */
function compareRead(shown: ShownDialog, request: PeerRequest): Sameness {
  const dialog = { ...shown, tool: toolWords(shown.tool) };
  if (dialog.isRead) return compareShown(dialog, wholeOf(request));
  const isSame = letters(`${dialog.tool} ${dialog.input}`) === letters(`${request.tool} ${request.input}`);
  return isSame ? 'same' : 'other';
}

/** True when both show the same dialog; one of them may show less of it. */
export function sameDialog(one: ShownDialog, other: ShownDialog): boolean {
  if (!one.isRead || !other.isRead) return one.key === other.key;
  return one.name === other.name && compareShown(one, other) === 'same';
}
