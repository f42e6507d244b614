import { isDeepStrictEqual } from 'node:util';
import { MamError } from '../errors.ts';
import type { ConfigFile, Edited } from './client.ts';
import { lineEnd, splitMark } from './layout.ts';
import { type Lines, linesOf, parseToml } from './toml-text.ts';

const BEGIN = '# >>> mam (written by mam install)';
const END = '# <<< mam';

/** A table that a file shall have. */
export interface TableWish {
  /** Two keys: `mcp_servers`, `mam`. */
  at: [string, string];
  /** The table and the ones below it, as TOML. */
  block: string;
  /** How the user takes it out by himself. */
  remove: string;
}

/** What of a file is ours. */
interface Receipt {
  /** True when there was no file. */
  created?: true;
  /** Exactly what was put in. */
  inserted: string;
}

/** A TOML file that shall have this table. Comments and layout stay: text is put in and cut out, nothing is rewritten. */
export function tomlConfig(path: string, wish: TableWish): ConfigFile {
  return {
    path,
    install: (text, receipt) => install(path, wish, text, receipt as Receipt | undefined),
    uninstall: (text, receipt) => uninstall(path, wish, text, receipt as Receipt | undefined),
  };
}

function install(path: string, wish: TableWish, text: string | undefined, receipt?: Receipt): Edited {
  const old = text ?? '';
  const present = tableOf(path, old, wish.at);
  const wanted = tableOf(path, wish.block, wish.at);
  if (isDeepStrictEqual(present, wanted)) return { text, receipt, kept: [] };
  if (present !== undefined && !isOurs(path, wish, old, present, receipt)) {
    throw new MamError(
      'refused',
      `${path} already has ${header(wish)}, and it is not what mam install wrote: it is left as it is, and nothing was changed.`,
      `To have it written anew, take it out first (${wish.remove}), then run this again.`,
    );
  }
  const rest = present === undefined ? withoutRanges(old, markersOf(old)) : cut(old, wish, receipt);
  const inserted = insertion(rest, wish.block);
  const next = rest + inserted;
  prove(path, wish, [old, next], wanted);
  const created = text === undefined || receipt?.created === true;
  return { text: next, receipt: { ...(created && { created }), inserted } satisfies Receipt, kept: [] };
}

function uninstall(path: string, wish: TableWish, text: string | undefined, receipt?: Receipt): Edited {
  const old = text ?? '';
  const present = tableOf(path, old, wish.at);
  if (present === undefined) {
    const bare = withoutRanges(old, markersOf(old));
    return { text: bare === old ? text : bare, receipt: undefined, kept: [] };
  }
  if (!isOurs(path, wish, old, present, receipt)) {
    const why =
      receipt === undefined ? 'was not written by mam install' : 'was changed since mam install wrote it';
    const kept = `${header(wish)} in ${path} ${why}: it is left as it is. To take it out: ${wish.remove}`;
    return { text, receipt, kept: [kept] };
  }
  const next = cut(old, wish, receipt);
  prove(path, wish, [old, next], undefined);
  const gone = receipt?.created === true && next.trim() === '';
  return { text: gone ? undefined : next, receipt: undefined, kept: [] };
}

/** True when the table says what was written, by an earlier install or, between our markers, by this one. */
function isOurs(path: string, wish: TableWish, text: string, present: unknown, receipt?: Receipt): boolean {
  if (receipt !== undefined) return isDeepStrictEqual(present, tableOf(path, receipt.inserted, wish.at));
  const { comments } = linesOf(text);
  return (
    [BEGIN, END].every((marker) => comments.some((comment) => comment.text === marker)) &&
    isDeepStrictEqual(present, tableOf(path, wish.block, wish.at))
  );
}

/** What is put behind a text, so that it stands in a paragraph of its own. */
function insertion(text: string, block: string): string {
  const eol = lineEnd(text);
  const { body } = splitMark(text);
  const gap = body === '' || /(^|\n)\r?\n$/.test(body) ? '' : body.endsWith('\n') ? eol : eol + eol;
  return `${gap}${[BEGIN, ...block.trim().split('\n'), END].join(eol)}${eol}`;
}

/** The text without our table: what was put in, if it is still there as it was; else its lines and the markers. */
function cut(text: string, wish: TableWish, receipt?: Receipt): string {
  const at = receipt === undefined ? -1 : text.indexOf(receipt.inserted);
  if (receipt !== undefined && at >= 0) {
    const [before, behind] = [text.slice(0, at), text.slice(at + receipt.inserted.length)];
    // What came behind it later keeps its distance from what stood before.
    const gap =
      before !== '' && /^[^\r\n]/.test(behind) ? (/^(\r?\n)*/.exec(receipt.inserted)?.[0] ?? '') : '';
    return before + gap + behind;
  }
  const ours = linesOf(text).sections.filter(({ path }) =>
    wish.at.every((key, depth) => path[depth] === key),
  );
  return withoutRanges(text, [...ours.flatMap(({ lines }) => lines), ...markersOf(text)]);
}

/** Our markers; a client that rewrites its file may have kept one of them, or moved it. */
function markersOf(text: string): Lines[] {
  return linesOf(text).comments.filter((comment) => comment.text === BEGIN || comment.text === END);
}

/** Cuts whole lines out, and the empty line before them when another one or the end of the file follows. */
function withoutRanges(text: string, ranges: Lines[]): string {
  const joined: Lines[] = [];
  for (const { start, end } of ranges.sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && text.slice(last.end, start).trim() === '') last.end = end;
    else joined.push({ start, end });
  }
  let rest = text;
  for (const { start, end } of joined.reverse()) {
    const [before, behind] = [rest.slice(0, start), rest.slice(end)];
    const doubled = /^(\r?\n|$)/.test(behind);
    const above = doubled ? before.replace(/(^|\n)\r?\n$/, '$1') : before;
    rest = above + (above === '' ? behind.replace(/^\r?\n/, '') : behind);
  }
  return rest;
}

/** @throws MamError unless our table is now as wanted, and the two texts say the same in everything else */
function prove(path: string, { at }: TableWish, texts: [string, string], wanted: unknown): void {
  const [outer, inner] = at;
  const rest = (text: string): unknown => {
    const { [outer]: tables, ...others } = parseToml(path, text) as Record<string, object>;
    if (tables === undefined) return others;
    const { [inner]: _ours, ...kept } = tables as Record<string, unknown>;
    // A table that holds only ours need not have been there before.
    return Object.keys(kept).length === 0 ? others : { ...others, [outer]: kept };
  };
  let proved = false;
  try {
    const [before, after] = texts.map(rest);
    proved = isDeepStrictEqual(before, after) && isDeepStrictEqual(tableOf(path, texts[1], at), wanted);
  } catch {
    // Told below.
  }
  if (proved) return;
  throw new MamError(
    'refused',
    `${path}: the table [${outer}.${inner}] can't be put in or taken out without harm to the rest, so nothing was changed.`,
    `Write the servers as tables with headers of their own ([${outer}.NAME]), not as ${outer} = { … }, then run this again.`,
  );
}

function header({ at }: TableWish): string {
  return `[${at.join('.')}]`;
}

/**
 * A table's value, in a form that does not change when a client rewrites it (30 as 30.0, an empty list left out).
 * @returns undefined when there is none
 * @throws MamError `refused` for a text that can't be read
 */
export function tableOf(path: string, text: string, [outer, inner]: [string, string]): unknown {
  const tables = parseToml(path, text)[outer];
  const table = isTable(tables) ? tables[inner] : undefined;
  return table === undefined ? undefined : normal(table);
}

function normal(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(normal);
  if (!isTable(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, normal(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => !(Array.isArray(inner) && inner.length === 0)));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
