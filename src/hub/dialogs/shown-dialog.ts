import { builtIn, screenOf } from '../../agents/index.ts';
import type { ShownPermission } from '../../agents/kind.ts';
import { cleanLine } from '../../base/text.ts';
import type { HookReport } from '../../job/hook.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { find } from '../../tmux/screen.ts';
import { toolWords, wholeOf } from './permission-draft.ts';
import { compareShown, compareTold, letters, type Sameness, type ShownCall } from './same-call.ts';

/** So many rows of a dialog that can't be read are told, none and all of them longer than this. */
const ROWS = 5;
const ROW_CHARS = 100;
const ROWS_CHARS = 280;
/** Its frame is looked for so far above the row that it is recognised by. */
const ROWS_ABOVE = 15;
/** Of one without a frame: the row itself, and those right above it. Lists show 160 characters of all. */
const SIGN_CHARS = 200;
const ABOVE = { rows: 8, room: 140 };

/** A dialog on an agent's screen. */
export interface ShownDialog extends ShownCall {
  /** Equal for two looks at the same dialog, however the pane wraps it. */
  key: string;
  /** `permission`, `trust`, …; `other` where the kind does not tell. */
  name: string;
  /** False for a dialog that does not show all it asks for (a small pane): it is never answered by key. */
  whole: boolean;
  /** What a person has to do in the pane. */
  remedy: string;
  choice?: ShownPermission['choice'];
}

/** The dialog that a screen shows, if it shows one. */
export function dialogOn(
  lines: readonly string[],
  { agent, typing }: Pick<JobRecord, 'agent' | 'typing'>,
): ShownDialog | undefined {
  const kind = builtIn(agent);
  for (const { name, pattern, remedy } of kind?.dialogs ?? []) {
    const line = find(lines, pattern);
    if (line === undefined) continue;
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
  const line = typing?.dialog === undefined ? undefined : find(lines, screenOf(agent, typing).dialog);
  if (line === undefined) return undefined;
  const input = rowsAround(lines, screenOf(agent, typing).dialog);
  return {
    key: `other\n${letters(input)}`,
    name: 'other',
    tool: 'dialog',
    input,
    whole: false,
    isRead: false,
    commands: [],
    remedy: 'answer the dialog',
  };
}

/** The first rows in the frame of a dialog that is not read further; without a frame those around its sign. */
function framedRows(lines: readonly string[], pattern: RegExp): string {
  const at = lineOf(lines, pattern);
  let top = at;
  while (top > 0 && at - top < ROWS_ABOVE && !isFrame(lines[top - 1] ?? '')) top--;
  return isFrame(lines[top - 1] ?? '')
    ? fitting(lines.slice(top), {}).join('\n')
    : rowsAround(lines, pattern);
}

/** The row that a dialog is recognised by, what is below it, and right above it: further up may be a transcript. */
function rowsAround(lines: readonly string[], pattern: RegExp | readonly RegExp[] | undefined): string {
  const at = lineOf(lines, pattern);
  let top = at;
  const above = (by: number) => lines[top - by] ?? '';
  while (top > 0 && !isFrame(above(1)) && `${above(1)}${above(2)}`.trim() !== '') top--;
  const before = fitting(lines.slice(top, at).reverse(), ABOVE).reverse();
  return [...before, ...fitting(lines.slice(at), { first: SIGN_CHARS })].join('\n');
}

/** The first rows that hold something, as many as find room, without frames and the sign of the chosen option. */
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
 * Whether a dialog is the one that asks for a request.
 * @param seen the dialog that was seen for the request before, if one was
 * @param told what a hook has reported of the request; without it, its record counts
 */
export function compareDialog(
  dialog: ShownDialog | undefined,
  request: PeerRequest,
  { seen, told }: { seen?: ShownDialog | undefined; told?: HookReport | undefined },
): Sameness {
  if (dialog === undefined) return 'other';
  if (seen !== undefined && !sameDialog(dialog, seen)) return 'other';
  const said = compareSaid(dialog, request, told);
  // One that is drawn further may say more than was reported of the request.
  return seen === undefined || said === 'other' ? said : 'same';
}

function compareSaid(dialog: ShownDialog, request: PeerRequest, told: HookReport | undefined): Sameness {
  if (request.source === 'hub') return compareRead(dialog, request);
  return dialog.name === 'permission' ? compareTold(dialog, told ?? wholeOf(request)) : 'other';
}

/** The same for a request that was read from the screen itself. */
function compareRead(shown: ShownDialog, request: PeerRequest): Sameness {
  const dialog = { ...shown, tool: toolWords(shown.tool) };
  if (dialog.isRead) return compareShown(dialog, wholeOf(request));
  const isSame = letters(`${dialog.tool} ${dialog.input}`) === letters(`${request.tool} ${request.input}`);
  return isSame ? 'same' : 'other';
}

/** True for two looks at one dialog; one of them may show less of it. */
export function sameDialog(one: ShownDialog, other: ShownDialog): boolean {
  if (!one.isRead || !other.isRead) return one.key === other.key;
  return one.name === other.name && compareShown(one, other) === 'same';
}
