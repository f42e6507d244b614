import { isDeepStrictEqual } from 'node:util';
import type { Node } from 'jsonc-parser';
import { MamError } from '../base/errors.ts';
import type { ConfigFile, Edited } from './client.ts';
import { get } from './entry.ts';
import { type Entry, lostWith, renew } from './foreign.ts';
import { nextEdit } from './json-edit.ts';
import { type Dialect, type Json, type JsonText, parseJson } from './json-text.ts';
import type { Needed, Wanted, Wish, Words } from './wish.ts';

/** The part of a file that is ours. */
interface Receipt {
  /** Set when there was no file, or an empty one. */
  created?: 'file' | 'content';
  values: { at: string[]; value: Json }[];
  words: { at: string[]; word: string }[];
  /** Objects and lists that were made for the rest, the outer ones first. */
  made: string[][];
}

/** More edits than any install needs: then an edit does not do what it should. */
const MAX_EDITS = 1_000;

/** A JSON file that should have these values and words. @param blank a new file's text: an object, with its line end */
export function jsonConfig(path: string, wishes: Wish[], dialect: Dialect, blank = '{}\n'): ConfigFile {
  const file = { path, dialect, blank };
  return {
    path,
    install: (text, receipt) => new JsonEdit(file, text, receipt).install(wishes),
    uninstall: (text, receipt) => new JsonEdit(file, text, receipt).uninstall(wishes),
  };
}

interface JsonFile {
  path: string;
  dialect: Dialect;
  blank: string;
}

class JsonEdit {
  readonly #file: JsonFile;
  readonly #original: string | undefined;
  readonly #receipt: Receipt;
  readonly #kept: string[] = [];
  #doc: JsonText;
  /** What the text should say at the end. */
  #wanted: Json;

  constructor(file: JsonFile, text: string | undefined, receipt: unknown) {
    this.#file = file;
    this.#original = text;
    this.#receipt = structuredClone((receipt as Receipt | undefined) ?? { values: [], words: [], made: [] });
    this.#doc = parseJson(file.path, text === undefined || isBlank(text) ? file.blank : text, file.dialect);
    this.#wanted = structuredClone(this.#doc.value);
    if (this.#doc.root.type !== 'object') throw this.#refusal('The file is not a JSON object.');
  }

  install(wishes: Wish[]): Edited {
    this.#takeUnwanted(wishes);
    for (const wish of wishes) {
      if ('words' in wish) this.#addWords(wish);
      else if ('remove' in wish) this.#setNeeded(wish);
      else this.#setWanted(wish);
    }
    const { values, words } = this.#receipt;
    const kept = [...new Set(this.#kept)];
    const isOurs = values.length + words.length > 0;
    if (!this.#write()) return { text: this.#original, receipt: isOurs ? this.#receipt : undefined, kept };
    if (this.#original === undefined) this.#receipt.created = 'file';
    else if (isBlank(this.#original)) this.#receipt.created = 'content';
    return { text: this.#doc.text, receipt: this.#receipt, kept };
  }

  uninstall(wishes: Wish[]): Edited {
    const { values, words, made, created } = this.#receipt;
    const lost = wishes.flatMap((wish) => ('remove' in wish ? this.#takeNeeded(wish) : []));
    // What gave way once is the user's from then on.
    for (const { at, value } of values)
      if (isDeepStrictEqual(get(this.#wanted, at), value)) drop(this.#wanted, at);
    for (const { at, word } of words) this.#takeWord(at, word);
    let isChanged = this.#write();
    for (const at of [...made].reverse()) {
      if (!this.#isEmpty(at)) continue;
      drop(this.#wanted, at);
      isChanged = this.#write() || isChanged;
    }
    const { text } = this.#doc;
    const isNothing = created !== undefined && squeezed(text) === squeezed(this.#file.blank);
    const nothing = created === 'file' ? undefined : '';
    return {
      text: !isChanged ? this.#original : isNothing ? nothing : text,
      receipt: undefined,
      kept: [],
      ...(lost.length > 0 && { lost }),
    };
  }

  #setNeeded(wish: Needed): void {
    const { at, value } = wish;
    if (this.#find(at) === undefined) {
      this.#insert(at, value);
      return;
    }
    const ours = this.#ours(at);
    const versions = { present: get(this.#wanted, at), ours: ours?.value, wanted: value };
    const renewal = renew(this.#entry(wish), versions);
    if (ours === undefined || renewal === undefined) return;
    this.#kept.push(...renewal.kept);
    put(this.#wanted, at, renewal.value as Json);
    ours.value = renewal.ours as Json;
  }

  #setWanted({ at, value, unless }: Wanted): void {
    const why = unless(this.#wanted);
    if (why !== undefined) {
      if (why !== '') this.#kept.push(why);
      return;
    }
    this.#find(at);
    this.#insert(at, value);
  }

  /** Takes out what an earlier install wrote and this one no longer wants; what the user has changed stays. */
  #takeUnwanted(wishes: Wish[]): void {
    const { values, words } = this.#receipt;
    const isWanted = (place: string[], word?: string): boolean =>
      wishes.some(
        (wish) =>
          isDeepStrictEqual(wish.at, place) &&
          (word === undefined || ('words' in wish && wish.words.includes(word))),
      );
    this.#receipt.values = values.filter(({ at, value }) => {
      if (isWanted(at)) return true;
      if (isDeepStrictEqual(get(this.#wanted, at), value)) drop(this.#wanted, at);
      return false;
    });
    this.#receipt.words = words.filter(({ at, word }) => {
      if (isWanted(at, word)) return true;
      this.#takeWord(at, word);
      return false;
    });
  }

  #addWords({ at, words, unless, weakerThan = [] }: Words): void {
    const node = this.#find(at);
    if (node !== undefined && node.type !== 'array') throw this.#refusal(`${at.join('.')} is not a list.`);
    for (const word of words) {
      const present = get(this.#wanted, at) as Json[] | undefined;
      if (present === undefined) this.#receipt.made.push(...put(this.#wanted, at, [word]), at);
      else if (present.some((item) => item === word || unless.includes(item as string))) continue;
      else present.push(word);
      const isKnown = this.#receipt.words.some((one) => one.word === word && isDeepStrictEqual(one.at, at));
      if (!isKnown) this.#receipt.words.push({ at, word });
    }
    for (const stronger of weakerThan) {
      const list = get(this.#wanted, stronger);
      const said = [...words, ...unless].filter((word) => Array.isArray(list) && list.includes(word));
      if (said.length === 0) continue;
      const name = `${stronger.join('.')} in ${this.#file.path}`;
      this.#kept.push(`${name} has ${said.join(', ')}, which takes precedence: it is left as it is.`);
    }
  }

  #insert(at: string[], value: Json): void {
    this.#receipt.made.push(...put(this.#wanted, at, value));
    const others = this.#receipt.values.filter((one) => !isDeepStrictEqual(one.at, at));
    this.#receipt.values = [...others, { at, value }];
  }

  /** Takes our entry out. @returns what the user had added to it @throws MamError when it is not ours */
  #takeNeeded(wish: Needed): string[] {
    const { at, value } = wish;
    if (this.#find(at) === undefined) return [];
    const versions = { present: get(this.#wanted, at), ours: this.#ours(at)?.value, wanted: value };
    const lost = lostWith(this.#entry(wish), versions);
    drop(this.#wanted, at);
    return lost;
  }

  #takeWord(at: string[], word: string): void {
    const list = get(this.#wanted, at);
    if (!Array.isArray(list)) return;
    // The last one: the user's own would be from before ours.
    const index = list.lastIndexOf(word);
    if (index >= 0) list.splice(index, 1);
  }

  #ours(at: string[]): { value: Json } | undefined {
    return this.#receipt.values.find((one) => isDeepStrictEqual(one.at, at));
  }

  #entry({ at, remove }: Needed): Entry {
    return { path: this.#file.path, keys: at, name: at.join('.'), remove };
  }

  /** True when nothing is left between the brackets, not even a comment. */
  #isEmpty(at: string[]): boolean {
    if (get(this.#wanted, at) === undefined) return false;
    const node = this.#find(at);
    const inside = node?.children && this.#doc.text.slice(node.offset + 1, node.offset + node.length - 1);
    return inside !== undefined && isBlank(inside);
  }

  /** The value at a path of keys. @throws MamError when something on the way is not an object, or occurs twice */
  #find(at: string[]): Node | undefined {
    let node = this.#doc.root;
    for (const [depth, key] of at.entries()) {
      if (node.type !== 'object') throw this.#refusal(`${at.slice(0, depth).join('.')} is not an object.`);
      const [found, twice] = (node.children ?? []).filter(({ children }) => children?.[0]?.value === key);
      if (twice !== undefined)
        throw this.#refusal(
          `${at.slice(0, depth + 1).join('.')} occurs twice, and clients read only one of them.`,
        );
      if (found?.children?.[1] === undefined) return undefined;
      node = found.children[1];
    }
    return node;
  }

  /** Changes the text until it says exactly what it should. @returns true when it changed */
  #write(): boolean {
    const before = this.#doc;
    for (let edits = 0; edits < MAX_EDITS; edits++) {
      const text = nextEdit(this.#doc, this.#wanted);
      if (text === undefined) break;
      this.#doc = parseJson(this.#file.path, text, this.#file.dialect);
    }
    // As text: the order of the keys has to stay too.
    if (JSON.stringify(this.#doc.value) !== JSON.stringify(this.#wanted))
      throw new MamError('internal', `${this.#file.path} could not be changed safely, and was not changed.`);
    return this.#doc !== before;
  }

  #refusal(why: string): MamError {
    return new MamError(
      'refused',
      `${this.#file.path}: ${why}`,
      'Nothing was changed. Fix it, then run this again.',
    );
  }
}

/** Puts a value under a path of keys. @returns the paths of the objects that were missing on the way and made */
function put(root: Json, at: string[], value: Json): string[][] {
  const made: string[][] = [];
  let object = root as Record<string, Json>;
  for (const [depth, key] of at.slice(0, -1).entries()) {
    if (object[key] === undefined) {
      object[key] = {};
      made.push(at.slice(0, depth + 1));
    }
    object = object[key] as Record<string, Json>;
  }
  object[at.at(-1) as string] = structuredClone(value);
  return made;
}

function drop(root: Json, at: string[]): void {
  delete (get(root, at.slice(0, -1)) as Record<string, Json>)[at.at(-1) as string];
}

/** Without the layout, which may have changed. */
function squeezed(text: string): string {
  return text.replaceAll(/[\ufeff\s]/g, '');
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
