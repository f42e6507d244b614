import type { Json } from './json-text.ts';

/** What a file should have: a value under a path of keys, or words in a list there. */
export type Wish = Needed | Wanted | Words;

export interface Needed {
  at: string[];
  value: Json;
  /** How the user removes it by hand. */
  remove: string;
}

/** A value that gives way to the user's own. */
export interface Wanted {
  at: string[];
  value: Json;
  /** @returns undefined to set the value; else why it is left out, as a sentence, or empty when it is not needed */
  unless: (root: Json) => string | undefined;
}

export interface Words {
  at: string[];
  words: string[];
  /** Any of these replaces the words. */
  unless: string[];
  /** Lists of the user's that take precedence, and stay. */
  weakerThan?: string[][];
}
