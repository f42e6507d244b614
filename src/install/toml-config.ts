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

/** A table that a file shall have. */
export interface TableWish {
  /** Two keys: `mcp_servers`, `mam`. */
  at: [string, string];
  /** The table and the ones below it, as TOML. */
  block: string;
  /** Keys of lists whose order means nothing: words of the user may stand among ours. */
  lists: string[];
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
  // Where our text is as it was, the new one takes its place, layout and all; else each value its own.
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
  // Without a note of it: what is between our markers, as we write it.
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

/** What is put behind a text, so that it stands in a paragraph of its own. */
function insertion(text: string, block: string): string {
  const eol = lineEnd(text);
  const { body } = splitMark(text);
  const gap = body === '' || /(^|\n)\r?\n$/.test(body) ? '' : body.endsWith('\n') ? eol : eol + eol;
  return gap + marked(block, eol);
}

function marked(block: string, eol: string): string {
  return `${[BEGIN, ...block.trim().split('\n'), END].join(eol)}${eol}`;
}

/** The text without our table: what was put in, if it is still there as it was, then the lines and markers that are left. */
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
  const [before, behind] = [text.slice(0, at), text.slice(at + inserted.length)];
  // What came behind it later keeps its distance from what stood before.
  const gap = before !== '' && /^[^\r\n]/.test(behind) ? gapOf(inserted) : '';
  return before + gap + behind;
}

/** The line ends that keep our text at a distance. */
function gapOf(inserted: string): string {
  return /^(\r?\n)*/.exec(inserted)?.[0] ?? '';
}

/** Our markers; a client that rewrites its file may have kept one of them, or moved it. */
function markersOf(text: string): Lines[] {
  return linesOf(text).comments.filter((comment) => comment.text === BEGIN || comment.text === END);
}

/** @throws MamError unless it is proved that the change does what it shall, and nothing else */
function prove(path: string, wish: TableWish, texts: [string, string], wanted: unknown): void {
  if (proves(path, wish.at, texts, wanted)) return;
  const [outer, inner] = wish.at;
  throw new MamError(
    'refused',
    `${path}: the table [${outer}.${inner}] can't be put in or taken out without harm to the rest, so nothing was changed.`,
    `Write the servers as tables with headers of their own ([${outer}.NAME]), not as ${outer} = { … }, then run this again.`,
  );
}

function entryOf(path: string, { at, remove }: TableWish): Entry {
  return { path, keys: at, name: `[${at.join('.')}]`, remove };
}
