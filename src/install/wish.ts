import type { Json } from './json-text.ts';

/** What a file shall have: a value under a path of keys, or words in a list there. */
export type Wish = Needed | Wanted | Words;

/** A value without which there is no install. */
export interface Needed {
  at: string[];
  value: Json;
  /** How the user takes it out by himself. */
  remove: string;
}

/** A value that gives way to what the user says. */
export interface Wanted {
  at: string[];
  value: Json;
  /**
   * Asked with the whole file.
   * @returns undefined to have the value; else why it is left out, as a sentence, or empty where it is needless
   */
  unless: (root: Json) => string | undefined;
}

/** Words in a list. */
export interface Words {
  at: string[];
  words: string[];
  /** A word of these makes the others needless. */
  unless: string[];
}
