import { MamError } from '../base/errors.ts';
import type { ConfigFile, Edited } from './client.ts';
import { type Entry, lostWith, renew } from './foreign.ts';
import { lineEnd, splitMark } from './layout.ts';
import { changedIn, differences } from './merge.ts';
import { rangesOf, withoutRanges, withSteps } from './toml-edit.ts';
import { proves, tableOf } from './toml-table.ts';
import { type Lines, linesOf } from './toml-text.ts';

const BEGIN = '# >>> mam (written by mam install)';
const END = '# <<< mam';

interface TableWish {
  /** Two keys: `mcp_servers`, `mam`. */
  at: [string, string];
  /** The table and the ones below it, as TOML. */
  block: string;
  /** Keys of lists without an order: the user's own words may be among ours. */
  lists: string[];
  /** How the user removes it by hand. */
  remove: string;
}

/** The part of a file that is ours. */
interface Receipt {
  /** True when there was no file. */
  created?: true;
  /** Exactly the text that was inserted. */
  inserted: string;
}

/** A TOML file that should have this table. Text is inserted and cut out, so comments and layout stay. */
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
  if (present === undefined) {
    const rest = withoutRanges(old, markersOf(old));
    const inserted = insertion(rest, wish.block);
    prove(path, wish, [old, rest + inserted], tableOf(path, wish.block, wish.at));
    return { text: rest + inserted, receipt: { ...createdBy(text, receipt), inserted }, kept: [] };
  }
  const wanted = tableOf(path, wish.block, wish.at);
  const ours = receipt === undefined ? undefined : tableOf(path, receipt.inserted, wish.at);
  const renewal = renew(entryOf(path, wish), { present, ours, wanted }, wish.lists);
  if (receipt === undefined || renewal === undefined) return { text, receipt, kept: [] };
  const { value: goal, kept } = renewal;
  const steps = differences(present, goal);
  if (steps.length === 0) return { text, receipt, kept };
  // If our text is unchanged, the new one replaces it as a whole; else each value is replaced.
  const block = gapOf(receipt.inserted) + marked(wish.block, lineEnd(old));
  const swapped = old.replace(receipt.inserted, () => block);
  const whole = proves(path, wish.at, [old, swapped], goal);
  const next = whole ? swapped : withSteps(old, wish.at, steps);
  prove(path, wish, [old, next], goal);
  const inserted = whole ? block : withSteps(receipt.inserted, wish.at, differences(ours, renewal.ours));
  return { text: next, receipt: { ...createdBy(text, receipt), inserted }, kept };
}

function createdBy(text: string | undefined, receipt?: Receipt): Pick<Receipt, 'created'> {
  return text === undefined || receipt?.created === true ? { created: true } : {};
}

function uninstall(path: string, wish: TableWish, text: string | undefined, receipt?: Receipt): Edited {
  const old = text ?? '';
  const present = tableOf(path, old, wish.at);
  if (present === undefined) {
    const bare = withoutRanges(old, markersOf(old));
    return { text: bare === old ? text : bare, receipt: undefined, kept: [] };
  }
  const wanted = tableOf(path, wish.block, wish.at);
  // Without a receipt: what is between our markers, as we write it.
  const isOurs = markersOf(old).length === 2 && changedIn(present, wanted, wish.lists).length === 0;
  const ours = receipt ? tableOf(path, receipt.inserted, wish.at) : isOurs ? wanted : undefined;
  const lost = lostWith(entryOf(path, wish), { present, ours, wanted }, wish.lists);
  const next = cut(old, wish, receipt);
  prove(path, wish, [old, next], undefined);
  const isGone = receipt?.created === true && next.trim() === '';
  return {
    text: isGone ? undefined : next,
    receipt: undefined,
    kept: [],
    ...(lost.length > 0 && { lost }),
  };
}

/** Our text as a separate paragraph after `text`. */
function insertion(text: string, block: string): string {
  const eol = lineEnd(text);
  const { body } = splitMark(text);
  const gap = body === '' || /(^|\n)\r?\n$/.test(body) ? '' : body.endsWith('\n') ? eol : eol + eol;
  return gap + marked(block, eol);
}

function marked(block: string, eol: string): string {
  return `${[BEGIN, ...block.trim().split('\n'), END].join(eol)}${eol}`;
}

/** The text without our table: first what was inserted, if unchanged, then the remaining lines and markers. */
function cut(text: string, wish: TableWish, receipt?: Receipt): string {
  const rest = receipt === undefined ? text : withoutInserted(text, receipt.inserted);
  const ours = linesOf(rest).sections.filter(({ path }) =>
    wish.at.every((key, depth) => path[depth] === key),
  );
  return withoutRanges(rest, [...ours.flatMap(rangesOf), ...markersOf(rest)]);
}

function withoutInserted(text: string, inserted: string): string {
  const at = text.indexOf(inserted);
  if (at < 0) return text;
  const [before, after] = [text.slice(0, at), text.slice(at + inserted.length)];
  // What was added after it keeps its distance from what is before.
  const gap = before !== '' && /^[^\r\n]/.test(after) ? gapOf(inserted) : '';
  return before + gap + after;
}

/** The empty lines before our text. */
function gapOf(inserted: string): string {
  return /^(\r?\n)*/.exec(inserted)?.[0] ?? '';
}

/** Our markers; a client that rewrites its file may have moved them or kept only one. */
function markersOf(text: string): Lines[] {
  return linesOf(text).comments.filter((comment) => comment.text === BEGIN || comment.text === END);
}

/** @throws MamError unless the change does exactly what it should */
function prove(path: string, wish: TableWish, texts: [string, string], wanted: unknown): void {
  if (proves(path, wish.at, texts, wanted)) return;
  const [outer, inner] = wish.at;
  throw new MamError(
    'refused',
    `${path}: the table [${outer}.${inner}] can't be added or removed without damage to the rest, so nothing was changed.`,
    `Write the servers as tables with their own headers ([${outer}.NAME]), not as ${outer} = { … }, then run this again.`,
  );
}

function entryOf(path: string, { at, remove }: TableWish): Entry {
  return { path, keys: at, name: `[${at.join('.')}]`, remove };
}
