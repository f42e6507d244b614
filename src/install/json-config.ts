import { isDeepStrictEqual } from 'node:util';
import { MamError } from '../base/errors.ts';
import type { ConfigFile, Edited } from './client.ts';
import { type Entry, nameOf, notToTake, notToWrite, ownLeft } from './foreign.ts';
import { withItem, withMember, without, withValue } from './json-edit.ts';
import { drop, get, put, reaches } from './json-path.ts';
import { type Dialect, type Json, type JsonText, type Node, parseJson } from './json-text.ts';
import { addedIn, afterSteps, changedIn, stepsTo } from './merge.ts';
import type { Needed, Wanted, Wish, Words } from './wish.ts';

/** What of a file is ours. */
interface Receipt {
  /** True when there was no file, or one without content. */
  created?: 'file' | 'content';
  values: { at: string[]; value: Json }[];
  words: { at: string[]; word: string }[];
  /** Objects and lists that were made to hold the rest, the outer ones first. */
  made: string[][];
}

/**
 * A JSON file that shall have these wishes fulfilled.
 * @param blank what a new file begins with: an object, with its line end
 */
export function jsonConfig(path: string, wishes: Wish[], dialect: Dialect, blank = '{}\n'): ConfigFile {
  const edit = (text: string | undefined, receipt: unknown): JsonEdit =>
    new JsonEdit(path, dialect, { text, blank }, receipt);
  return {
    path,
    install: (text, receipt) => edit(text, receipt).install(wishes),
    uninstall: (text, receipt) => edit(text, receipt).uninstall(wishes),
  };
}

class JsonEdit {
  readonly #path: string;
  readonly #dialect: Dialect;
  readonly #original: string | undefined;
  readonly #blank: string;
  readonly #receipt: Receipt;
  readonly #kept: string[] = [];
  #doc: JsonText;

  constructor(
    path: string,
    dialect: Dialect,
    { text, blank }: { text: string | undefined; blank: string },
    receipt: unknown,
  ) {
    this.#path = path;
    this.#dialect = dialect;
    this.#original = text;
    this.#blank = blank;
    this.#receipt = structuredClone((receipt as Receipt | undefined) ?? { values: [], words: [], made: [] });
    const hasContent = text !== undefined && text.trim() !== '';
    this.#doc = parseJson(path, hasContent ? text : blank, dialect);
    if (this.#doc.root.kind !== 'object') throw this.#refusal('The file is no JSON object.');
  }

  install(wishes: Wish[]): Edited {
    const before = this.#doc.text;
    for (const wish of wishes) {
      if ('words' in wish) this.#addWords(wish);
      else if ('remove' in wish) this.#setValue(wish);
      else this.#tryValue(wish);
    }
    if (this.#doc.text === before) return this.#unchanged();
    if (this.#original === undefined) this.#receipt.created = 'file';
    else if (this.#original.trim() === '') this.#receipt.created = 'content';
    return { text: this.#doc.text, receipt: this.#receipt, kept: this.#kept };
  }

  uninstall(wishes: Wish[]): Edited {
    const before = this.#doc.text;
    const { values, words, made, created } = this.#receipt;
    const needed = wishes.filter((wish) => 'remove' in wish);
    const lost = needed.flatMap((wish) => this.#takeNeeded(wish));
    // What gave way once is the user's from then on.
    for (const { at, value } of values) this.#takeValue(at, value);
    for (const { at, word } of words) this.#takeWord(at, word);
    for (const at of [...made].reverse()) {
      const node = reaches(this.#doc.value, at) ? this.#find(at) : undefined;
      if (node !== undefined && isEmpty(this.#doc.text, node)) this.#removeAt(at);
    }
    const done = { receipt: undefined, kept: [], ...(lost.length > 0 && { lost }) };
    if (this.#doc.text === before) return { text: this.#original, ...done };
    if (created !== undefined && squeezed(this.#doc.text) === squeezed(this.#blank))
      return { text: created === 'file' ? undefined : '', ...done };
    return { text: this.#doc.text, ...done };
  }

  #unchanged(): Edited {
    const { values, words } = this.#receipt;
    const receipt = values.length + words.length > 0 ? this.#receipt : undefined;
    return { text: this.#original, receipt, kept: this.#kept };
  }

  #setValue(wish: Needed): void {
    const { at, value } = wish;
    const ours = this.#receipt.values.find((one) => isDeepStrictEqual(one.at, at));
    if (this.#find(at) === undefined) {
      this.#insert(at, value);
      if (ours === undefined) this.#receipt.values.push({ at, value });
      else ours.value = value;
      return;
    }
    const present = this.#valueAt(at);
    const changed = ours === undefined ? [] : changedIn(present, ours.value);
    if (ours === undefined || changed.length > 0) {
      if (changedIn(present, value).length === 0) return;
      throw notToWrite(this.#entry(wish), changed);
    }
    const steps = stepsTo(value, { present, ours: ours.value });
    for (const step of steps) {
      const place = [...at, ...step.at];
      if (step.theirs) this.#kept.push(ownLeft(place, this.#path));
      else if (step.value === undefined) this.#removeAt(place);
      else this.#place(place, step.value as Json);
    }
    // What the user had there himself does not become ours.
    const written = steps.filter(({ theirs }) => !theirs);
    ours.value = afterSteps(ours.value, written) as Json;
  }

  #place(at: string[], value: Json): void {
    const node = this.#find(at);
    if (node === undefined) this.#insert(at, value);
    else this.#become(withValue(this.#doc, node, value), (root) => put(root, at, value));
  }

  #tryValue({ at, value, unless }: Wanted): void {
    const why = unless(this.#doc.value);
    if (why === undefined) {
      this.#insert(at, value);
      this.#receipt.values = this.#receipt.values.filter((one) => !isDeepStrictEqual(one.at, at));
      this.#receipt.values.push({ at, value });
    } else if (why !== '') this.#kept.push(why);
  }

  #addWords({ at, words, unless }: Words): void {
    for (const word of words) {
      const node = this.#find(at);
      if (node === undefined) {
        this.#insert(at, [word]);
        this.#receipt.made.push(at);
      } else {
        if (node.kind !== 'array') throw this.#refusal(`${at.join('.')} is no list.`);
        const present = this.#valueAt(at) as Json[];
        if (present.some((item) => item === word || unless.includes(item as string))) continue;
        this.#become(withItem(this.#doc, node, word), (root) => (get(root, at) as Json[]).push(word));
      }
      const known = this.#receipt.words.some((one) => one.word === word && isDeepStrictEqual(one.at, at));
      if (!known) this.#receipt.words.push({ at, word });
    }
  }

  /** Puts a value where none is, with the objects that are missing on the way. */
  #insert(at: string[], value: Json): void {
    let depth = 0;
    while (this.#find(at.slice(0, depth + 1)) !== undefined) depth++;
    const object = this.#find(at.slice(0, depth)) as Node;
    let nested = value;
    for (let inner = at.length - 1; inner > depth; inner--) nested = { [at[inner] as string]: nested };
    for (let outer = depth + 1; outer < at.length; outer++) this.#receipt.made.push(at.slice(0, outer));
    const key = at[depth] as string;
    this.#become(withMember(this.#doc, object, key, nested), (root) => put(root, at, value));
  }

  /** Takes our entry out. @returns what the user had added to it @throws MamError when it is not ours */
  #takeNeeded(wish: Needed): string[] {
    const { at, value } = wish;
    if (this.#find(at) === undefined) return [];
    const present = this.#valueAt(at);
    const ours = this.#receipt.values.find((one) => isDeepStrictEqual(one.at, at));
    if (ours === undefined) throw notToTake(this.#entry(wish), []);
    const changed = changedIn(present, ours.value);
    // Who has brought it up to date by hand has not made it his own.
    const now = changed.length === 0 ? ours.value : value;
    if (changedIn(present, now).length > 0) throw notToTake(this.#entry(wish), changed);
    this.#removeAt(at);
    return addedIn(present, now).map((path) => nameOf([...at, ...path]));
  }

  #takeValue(at: string[], value: Json): void {
    if (!reaches(this.#doc.value, at) || this.#find(at) === undefined) return;
    if (isDeepStrictEqual(this.#valueAt(at), value)) this.#removeAt(at);
  }

  #takeWord(at: string[], word: string): void {
    const node = this.#find(at);
    if (node?.kind !== 'array') return;
    // The last one: a user who had it would have had it before us.
    const index = (this.#valueAt(at) as Json[]).lastIndexOf(word);
    if (index < 0) return;
    this.#become(without(this.#doc, node, index), (root) => (get(root, at) as Json[]).splice(index, 1));
  }

  #removeAt(at: string[]): void {
    const object = this.#find(at.slice(0, -1)) as Node;
    const key = at.at(-1) as string;
    const index = object.elements.findIndex((element) => element.key === key);
    this.#become(without(this.#doc, object, index), (root) => {
      drop(root, at);
    });
  }

  #entry({ at, remove }: Needed): Entry {
    return { path: this.#path, name: at.join('.'), remove };
  }

  /** The value at a path of keys. @throws MamError when something on the way is no object, or is there twice */
  #find(at: string[]): Node | undefined {
    let node = this.#doc.root;
    for (const [depth, key] of at.entries()) {
      const name = at.slice(0, depth).join('.');
      if (node.kind !== 'object') throw this.#refusal(`${name} is no object.`);
      const [found, twice] = node.elements.filter((element) => element.key === key);
      if (twice !== undefined)
        throw this.#refusal(
          `${at.slice(0, depth + 1).join('.')} is there twice, and clients read only one of them.`,
        );
      if (found === undefined) return undefined;
      node = found.node;
    }
    return node;
  }

  #valueAt(at: string[]): Json {
    return get(this.#doc.value, at);
  }

  /** Takes a new text, once it is proved that it says what it shall say and nothing else. */
  #become(text: string, change: (root: Json) => void): void {
    const wanted = structuredClone(this.#doc.value);
    change(wanted);
    const doc = parseJson(this.#path, text, this.#dialect);
    // As text, since the order of the keys shall stay too.
    if (JSON.stringify(doc.value) !== JSON.stringify(wanted)) {
      throw new MamError('internal', `${this.#path} could not be changed safely, and was not changed.`);
    }
    this.#doc = doc;
  }

  #refusal(why: string): MamError {
    return new MamError(
      'refused',
      `${this.#path}: ${why}`,
      'Nothing was changed. Mend it, then run this again.',
    );
  }
}

/** Without the layout, which may have become another one. */
function squeezed(text: string): string {
  return text.replaceAll(/[\ufeff\s]/g, '');
}

function isEmpty(text: string, node: Node): boolean {
  return node.kind !== 'scalar' && text.slice(node.start + 1, node.end - 1).trim() === '';
}
