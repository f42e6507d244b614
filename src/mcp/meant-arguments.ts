import type { z } from 'zod';

const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;
/** What clients write for a flag, in their own languages. */
const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false };

/**
 * The arguments as they are meant, where that can only be one thing: a client or a model that always writes `null`, `"2"`,
 * `"true"` or `"[\"ID\"]"` must be able to call every tool. What could mean two things stays as it is, to be refused.
 * @param shape the fields of the tool
 * @param args as they came
 */
export function meantArguments(shape: Readonly<Record<string, z.ZodType>>, args: unknown): unknown {
  const given = typeof args === 'string' ? parsed(args) : (args ?? {});
  if (!isObject(given)) return given;
  const meant: [string, unknown][] = [];
  for (const [key, value] of Object.entries(given)) {
    const name = nameOf(shape, key, given);
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (isAbsent(field, value)) continue;
    meant.push([name, field === undefined ? value : meantValue(bare(field), value, name)]);
  }
  return Object.fromEntries(meant);
}

/** A field's own name for one that is written in another way, such as `jobId`. */
function nameOf(shape: object, key: string, given: object): string {
  if (Object.hasOwn(shape, key)) return key;
  const name = key
    .replace(/(?<=[a-z0-9])[A-Z]/g, '_$&')
    .toLowerCase()
    .replaceAll('-', '_');
  return Object.hasOwn(shape, name) && !Object.hasOwn(given, name) ? name : key;
}

/** `null` says nothing; an empty text says nothing where it may be left out. */
function isAbsent(field: z.ZodType | undefined, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return value === '' && field !== undefined && bare(field) !== field;
}

/** The type of a field that may be left out. */
function bare(field: z.ZodType): z.ZodType {
  const { type, innerType } = field.def as { type: string; innerType?: z.ZodType };
  return (type === 'optional' || type === 'default') && innerType !== undefined ? bare(innerType) : field;
}

function meantValue(field: z.ZodType, value: unknown, name: string): unknown {
  const { type, element, entries } = field.def as {
    type: string;
    element?: z.ZodType;
    entries?: Record<string, string>;
  };
  if (type === 'array') return meantList(value, element, name);
  const single = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const text = typeof single === 'string' ? single.trim() : undefined;
  switch (type) {
    case 'number':
      return text !== undefined && NUMBER.test(text) ? Number(text) : single;
    case 'boolean':
      return FLAGS[typeof single === 'number' ? `${single}` : (text ?? '').toLowerCase()] ?? single;
    case 'enum':
      return text === undefined ? single : oneOf(Object.values(entries ?? {}), text);
    default:
      return meantText(single, name);
  }
}

/** A text stays as it is, but for an id: that has no blanks, quotes or brackets of its own. */
function meantText(value: unknown, name: string): unknown {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'string' || !isId(name)) return value;
  const text = value.trim();
  const inside = /^["[]/.test(text) ? parsed(text) : text;
  const single = Array.isArray(inside) && inside.length === 1 ? inside[0] : inside;
  return typeof single === 'string' ? single.trim() : value;
}

function meantList(value: unknown, element: z.ZodType | undefined, name: string): unknown {
  if (element === undefined) return value;
  const inside = typeof value === 'string' && value.trim().startsWith('[') ? parsed(value) : value;
  const { type } = element.def;
  const list =
    typeof inside === 'string' && (type === 'enum' || isId(name))
      ? inside.split(/[\s,]+/).filter((word) => word !== '')
      : typeof inside === 'string' || typeof inside === 'number'
        ? [inside]
        : inside;
  return Array.isArray(list) ? list.map((item) => meantValue(element, item, name)) : value;
}

function isId(name: string): boolean {
  return /(?:^|_)ids?$/.test(name);
}

/** A word of a short list, however it is written: `Completed`, `permission-required`. */
function oneOf(words: string[], text: string): string {
  const plain = (word: string): string => word.toLowerCase().replace(/[\s-]+/g, '_');
  return words.find((word) => word === text) ?? words.find((word) => plain(word) === plain(text)) ?? text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
