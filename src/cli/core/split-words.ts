import { MamError } from '../../base/errors.ts';
import type { Field } from '../../base/fields.ts';
import { nearest } from '../../base/nearest.ts';
import { clean } from '../../base/text.ts';
import { optionText } from './options.ts';

const SHOWN_CHARS = 40;
/** Never an option but the user's words, such as `- no`, `-5 degrees`, `---` or `—x`. */
const NO_OPTION = /\s|^-+$|^-+[^a-zA-Z-]/;

/** A command line, split but not yet checked. */
interface Split {
  /** By the option's name; true for a flag. When one is repeated, the last counts; a list has all of them. */
  values: Record<string, string | true | string[]>;
  words: string[];
  /** What follows `--`. */
  rest: string[];
  /** An option that stands alone though a word follows it, and the index of that one in `words`. */
  alone?: { name: string; at: number };
}

/**
 * Separates options from words. An option takes the next word as its value, even one that begins with a dash, unless
 * it is another option of this command; one that may stand alone takes only a word that looks like its value.
 * @param hasText the command takes the user's own words: then an unknown word with one dash is not an option
 * @throws MamError `bad_input` for an unknown option, a missing value, or a value for a flag
 */
export function splitWords(
  declared: Record<string, Field>,
  args: readonly string[],
  hasText: boolean,
): Split {
  const split: Split = { values: {}, words: [], rest: [] };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    // Our own texts explain commands after it, and zsh does not take that for a comment.
    if (arg === '#' && !hasText) break;
    if (arg === '--') {
      split.rest = args.slice(at + 1);
      break;
    }
    const found = optionIn(declared, arg);
    if (found === undefined) {
      if (isOptionLike(declared, arg, hasText)) throw unknown(declared, arg, hasText);
      split.words.push(arg);
      continue;
    }
    const { name, option, joined } = found;
    if (option.kind === 'flag') {
      if (joined !== undefined)
        throw new MamError('bad_input', `--${name} takes no value.`, `Give --${name} alone.`);
      split.values[name] = true;
      continue;
    }
    if (option.alone !== undefined && joined === undefined) {
      const next = args[at + 1];
      const isValue = next !== undefined && option.alone.test(next) && optionIn(declared, next) === undefined;
      split.values[name] = isValue ? next : '';
      if (isValue) at++;
      else if (next !== undefined && !next.startsWith('-')) split.alone = { name, at: split.words.length };
      continue;
    }
    const value = joined ?? args[++at];
    if (value === undefined || (joined === undefined && optionIn(declared, value) !== undefined))
      throw noValue(name, option, value);
    const before = split.values[name];
    split.values[name] = option.kind === 'list' ? [...(Array.isArray(before) ? before : []), value] : value;
  }
  const { alone, words } = split;
  if (hasText && alone !== undefined && words.length > 1) throw eitherWay(alone.name, words[alone.at] ?? '');
  return split;
}

/** The option that a word names, with the value after its `=`. */
function optionIn(
  declared: Record<string, Field>,
  arg: string,
): { name: string; option: Field; joined: string | undefined } | undefined {
  const [, dashes = '', name = '', joined] = /^(--?)([^=\s-][^=\s]*)(?:=([\s\S]*))?$/.exec(arg) ?? [];
  for (const [long, option] of Object.entries(declared)) {
    if (dashes === '--' ? name === long : dashes === '-' && name === option.short)
      return { name: long, option, joined };
  }
  return undefined;
}

function isOptionLike(declared: Record<string, Field>, arg: string, hasText: boolean): boolean {
  if (!arg.startsWith('-') || NO_OPTION.test(arg)) return false;
  return !hasText || arg.startsWith('--') || Object.hasOwn(declared, arg.slice(1));
}

/** A text of its own would be taken as it is; together with other words it may have been meant for the option. */
function eitherWay(name: string, word: string): MamError {
  const shown = clean(word).slice(0, SHOWN_CHARS);
  return new MamError(
    'bad_input',
    `"${shown}" can't be the value of --${name}, and would become a part of the text.`,
    `Put --${name} behind the whole text, or write --${name}=VALUE.`,
  );
}

function noValue(name: string, option: Field, next: string | undefined): MamError {
  const words = clean(next ?? '').slice(0, SHOWN_CHARS);
  const meant = next === undefined ? '' : ` If ${words} is its value, write --${name}=${words}`;
  return new MamError('bad_input', `--${name} has no value.`, `${giveText(name, option)}${meant}`);
}

/** What to give as an option's value. */
export function giveText(name: string, option: Field): string {
  const about = option.typed ?? option.about;
  return `Give ${optionText(name, option)}${about === '' ? '' : `: ${about}`}.`;
}

function unknown(declared: Record<string, Field>, arg: string, hasText: boolean): MamError {
  const given = clean(arg.split('=')[0] ?? '').slice(0, SHOWN_CHARS);
  const near = nearest(given.replace(/^-+/, ''), Object.keys(declared));
  const meant = near === undefined ? '' : `Did you mean --${near}? `;
  const text = hasText ? 'If it is text, put -- before it.' : '';
  return new MamError('bad_input', `There is no option ${given}.`, `${meant}${text}`.trim());
}
