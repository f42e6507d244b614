import type { Field, Fields } from '../base/fields.ts';
import { isObject, parseJson } from '../base/json.ts';

const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;
/** What clients write for a flag. */
const FLAGS: Readonly<Record<string, boolean>> = {
  ...{ true: true, yes: true, on: true, '1': true },
  ...{ false: false, no: false, off: false, '0': false },
};
/** Fields that wrap the arguments if a client passes on the whole call. */
const WRAPPERS = ['arguments', 'args', 'parameters', 'params', 'input'];
/** Fields with a single word, in addition to ids: surrounding blanks and quotes are not part of it. */
const WORDS = ['agent', 'agent_session', 'session', 'cursor', 'after'];
/** Fields with paths: a line break at the end is never meant. */
const PATHS = ['workdir', 'validate', 'script', 'files'];
/** How many levels of text within text are read. */
const DEEPEST = 4;

/**
 * The arguments as they are meant, if that is unambiguous: a client or a model that always writes `null`, `"2"`,
 * `"true"` or `"[\"ID\"]"` must be able to call every tool. Ambiguous values stay unchanged and are refused later.
 */
export function meantArguments(tool: string, fields: Fields, args: unknown): unknown {
  const given = unwrapped(tool, fields, args);
  if (!isObject(given)) return given;
  const meant: [string, unknown][] = [];
  for (const [key, value] of Object.entries(given)) {
    const name = nameOf(fields, key, given);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (isAbsent(field, value)) continue;
    meant.push([name, field === undefined ? value : meantValue(field, value, name)]);
  }
  return Object.fromEntries(meant);
}

/** The arguments themselves, if they came as a text or inside the whole call. */
function unwrapped(tool: string, shape: object, args: unknown): unknown {
  const given = typeof args === 'string' ? unquoted(args) : (args ?? {});
  if (!isObject(given)) return given;
  const fields = Object.entries(given).filter(([, value]) => value !== undefined && value !== null);
  const names = Object.keys(given).filter((name) => WRAPPERS.includes(name) && !Object.hasOwn(shape, name));
  const [wrapper] = names;
  const others = fields.filter(([name, value]) => name !== wrapper && value !== tool);
  if (wrapper === undefined || others.length > 0) return given;
  const inside = given[wrapper] === '' ? {} : unquoted(given[wrapper] ?? {});
  return isObject(inside) ? inside : given;
}

/** The proper name of a field that is spelled differently, such as `jobId`. */
function nameOf(shape: object, key: string, given: object): string {
  if (Object.hasOwn(shape, key)) return key;
  const name = key
    .replace(/(?<=[a-z0-9])[A-Z]/g, '_$&')
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  return Object.hasOwn(shape, name) && !Object.hasOwn(given, name) ? name : key;
}

/** `null` means absent, and so does an empty text if the field may be left out. */
function isAbsent(field: Field | undefined, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return value === '' && (field?.optional === true || field?.fallback !== undefined);
}

function meantValue({ kind, of, oneOf = [] }: Field, value: unknown, name: string): unknown {
  if (kind === 'list') return meantList(value, of, name);
  const single = kind === 'text' ? onlyOne(value) : unquoted(onlyOne(unquoted(value)));
  const text = typeof single === 'string' ? single.trim() : undefined;
  switch (kind) {
    case 'number':
    case 'count':
      return text !== undefined && NUMBER.test(text) ? Number(text) : single;
    case 'flag':
      return FLAGS[typeof single === 'number' ? `${single}` : (text ?? '').toLowerCase()] ?? single;
    case 'choice':
      return text === undefined ? single : meantWord(oneOf, text);
    default:
      return meantText(single, name);
  }
}

/** A text stays unchanged, except for a single word, which never has blanks, quotes or brackets. */
function meantText(value: unknown, name: string): unknown {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'string') return value;
  if (PATHS.includes(name)) return value.replace(/[\r\n]+$/, '');
  if (!isWord(name)) return value;
  const single = unquoted(onlyOne(unquoted(value)));
  return typeof single === 'string' ? single.trim() : value.trim();
}

function meantList(value: unknown, of: Field | undefined, name: string): unknown {
  if (of === undefined) return value;
  const areWords = of.kind === 'choice' || isWord(name);
  const isList = typeof value === 'string' && value.trim().startsWith('[');
  const inside = areWords || isList ? unquoted(value) : value;
  const list =
    typeof inside === 'string' && areWords
      ? inside.split(/[\s,;]+/).filter((word) => word !== '')
      : typeof inside === 'string' || typeof inside === 'number'
        ? [inside]
        : inside;
  return Array.isArray(list) ? list.map((item) => meantValue(of, item, name)) : value;
}

function isWord(name: string): boolean {
  return WORDS.includes(name) || /(?:^|_)ids?$/.test(name);
}

/** A word of a short list, in any spelling: `Completed`, `permission-required`. */
function meantWord(words: readonly string[], text: string): string {
  const plain = (word: string): string => word.toLowerCase().replace(/[\s-]+/g, '_');
  return words.find((word) => word === text) ?? words.find((word) => plain(word) === plain(text)) ?? text;
}

/** The content of a text in quotes or brackets, however deeply nested; in JSON, or with single quotes. */
function unquoted(value: unknown): unknown {
  let inside = value;
  for (let depth = 0; depth < DEEPEST && typeof inside === 'string'; depth++) {
    const text = inside.trim();
    if (!/^["'[{]/.test(text)) break;
    const read = parseJson(text) ?? (text.includes('"') ? undefined : parseJson(text.replaceAll("'", '"')));
    if (read === undefined) break;
    inside = read;
  }
  return inside;
}

function onlyOne(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}
