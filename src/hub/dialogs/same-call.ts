import { basename, isAbsolute } from 'node:path';
import { isObject, parseJson } from '../../base/json.ts';
import { clean } from '../../base/text.ts';

/** Whether two texts are about the same call. `unknown`: they can't be compared, such as a patch and its file's name. */
export type Sameness = 'same' | 'unknown' | 'other';

/** A tool call as a hook, a record or a dialog describes it. */
export interface Call {
  tool?: string | undefined;
  input?: string | undefined;
}

/** A call as a dialog shows it. */
export interface ShownCall {
  tool: string;
  input: string;
  /** It shows everything that it asks for. */
  whole: boolean;
  /** Its text could be read. */
  isRead: boolean;
  /** Tools of its agent whose dialogs show a command and nothing else. */
  commands: readonly string[];
}

/** What a dialog shows in place of what it leaves out: `[… 66 lines] ^a view all`, `... first 9 lines hidden (…) ...`. */
const LEFT_OUT =
  /\[?(?:…|\.{3})[^…[\]]{0,60}?\b(?:lines?|hidden|more)\b[^…[\]]{0,60}?(?:\]|…|\.{3}|$)(?: *\^a view all)?/;

/** A text without white space, which no terminal preserves. */
export function letters(text: string): string {
  return clean(text).replace(/\s+/gu, '');
}

/** A text, and whether it is from a pane: then a row's end may or may not be a blank. */
interface Words {
  text: string;
  isShown: boolean;
}

/** Compares two texts of the same letters: one more blank makes another command. */
function haveSameBlanks(one: Words, other: Words): boolean {
  const [mine, theirs] = [blanksIn(one), blanksIn(other)];
  return [...mine.keys(), ...theirs.keys()].every((at) => {
    const [here, there] = [mine.get(at), theirs.get(at)];
    return here === there || here === 'maybe' || there === 'maybe';
  });
}

/** The blanks in a text, by the number of letters before them. */
function blanksIn({ text, isShown }: Words): Map<number, 'blank' | 'maybe'> {
  const blanks = new Map<number, 'blank' | 'maybe'>();
  let count = 0;
  for (const part of clean(text).trim().split(/(\s+)/u)) {
    if (part.trim() === '') blanks.set(count, isShown && part.includes('\n') ? 'maybe' : 'blank');
    else count += part.length;
  }
  return blanks;
}

/** Compares a dialog with a call that a hook reported. */
export function compareTold(shown: ShownCall, told: Call): Sameness {
  if (!shown.isRead) return 'unknown';
  const { tool = '', input = '' } = told;
  const asksCommand = shown.commands.includes(tool);
  if (asksCommand !== shown.commands.includes(shown.tool)) return 'other';
  if (isText(shown, { text: input, isShown: false })) return 'same';
  if (asksCommand) return 'other';
  if (tool !== shown.tool && isName(tool) && isName(shown.tool)) return 'other';
  return compareFields(shown, input) ?? (namesIt(shown, input) ? 'unknown' : 'other');
}

/** Compares a dialog with one that was read before. */
export function compareShown(shown: ShownCall, before: Call & { whole?: boolean }): Sameness {
  if (!shown.isRead) return 'unknown';
  const now = withTool(shown);
  const then = withTool(before);
  if (isText({ ...shown, input: now }, { text: then, isShown: true })) return 'same';
  const isBeginning =
    before.whole === false && isText({ input: then, whole: false }, { text: now, isShown: true });
  return isBeginning ? 'same' : 'other';
}

/** A narrow pane may wrap the tool's name, so its end is not clear. */
function withTool({ tool = '', input = '' }: Call): string {
  return `${tool.replace(/\s+/gu, '\n')}\n${input}`;
}

function isText(shown: Pick<ShownCall, 'input' | 'whole'>, other: Words): boolean {
  const wanted = letters(other.text);
  if (letters(shown.input) === wanted)
    return wanted !== '' && haveSameBlanks({ text: shown.input, isShown: true }, other);
  if (shown.whole) return false;
  const cut = LEFT_OUT.exec(shown.input);
  const head = letters(shown.input.slice(0, cut?.index)).replace(/…$/, '');
  const tail = cut === null ? '' : letters(shown.input.slice(cut.index + cut[0].length));
  const length = head.length + tail.length;
  return length > 0 && length < wanted.length && wanted.startsWith(head) && wanted.endsWith(tail);
}

/** Compares with a call given by its fields, which some dialogs show as rows of `name: value`. */
function compareFields(shown: ShownCall, input: string): Sameness | undefined {
  const fields = fieldsOf(input);
  if (fields === undefined) return undefined;
  const text = letters(shown.input);
  if (text.includes('…')) return 'unknown';
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
  const forms = [fields, sorted].flatMap((order) => [rows(order, true), rows(order, false)]);
  if (fields.length > 0 && forms.includes(text)) return 'same';
  if (forms.some((form) => text.endsWith(form))) return 'unknown';
  if (fields.every(([name]) => text.includes(`${letters(name)}:`))) return 'other';
  const paths = fields.map(([, value]) => value).filter((value) => isPath(value));
  return paths.length === 0 || paths.some((path) => text.includes(letters(basename(String(path)))))
    ? 'unknown'
    : 'other';
}

function fieldsOf(input: string): [string, unknown][] | undefined {
  const value = parseJson(input);
  return isObject(value) ? Object.entries(value) : undefined;
}

function rows(fields: readonly [string, unknown][], isQuoted: boolean): string {
  const shown = (value: unknown) =>
    typeof value === 'string' && !isQuoted ? value : (JSON.stringify(value) ?? '');
  return letters(fields.map(([name, value]) => `${name}:${shown(value)}`).join(''));
}

/** True when a dialog at least names what the call is about. */
function namesIt(shown: ShownCall, input: string): boolean {
  const text = letters(`${shown.tool} ${shown.input}`);
  const patched = [...input.matchAll(/\*\*\* (?:Add|Update|Delete) File: (\S+)/g)];
  if (patched.length > 0) return patched.some(([, path = '']) => text.includes(basename(path)));
  // A dialog may name a file only by its last part.
  return text.includes(letters(isPath(input) ? basename(input) : input));
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && isAbsolute(value) && !value.includes('\n');
}

/** True for a tool's own name; some dialogs show a title instead. */
function isName(tool: string): boolean {
  return /^\w+$/.test(tool);
}
