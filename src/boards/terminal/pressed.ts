import type { Key as InkKey } from 'ink';
import type { Key, KeyName } from './key.ts';

const NAMES: readonly (readonly [keyof InkKey, KeyName])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageUp'],
  ['pageDown', 'pageDown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
  ['tab', 'tab'],
];

const BY_CONTROL: Readonly<Record<string, KeyName>> = {
  '\u0003': 'quit',
  '\b': 'backspace',
  '\u0015': 'clear',
  '\u007f': 'backspace',
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the keys
const CONTROLS = /([\u0003\b\u0015\u007f])/;

/** Translates what Ink read into the board's keys; empty for a key without a meaning here. */
export function pressed(input: string, key: InkKey): Key[] {
  if (key.ctrl) return input === 'c' ? [{ name: 'quit' }] : input === 'u' ? [{ name: 'clear' }] : [];
  if (key.tab && key.shift) return [{ name: 'backtab' }];
  const name = NAMES.find(([flag]) => key[flag] === true)?.[1];
  if (name !== undefined) return [{ name }];
  // With Alt, a letter is a different key.
  return key.meta ? [] : pieces(input);
}

/** Keys typed faster than they were read arrive in one piece. An Enter among them stays text: it may be part of a paste. */
function pieces(input: string): Key[] {
  return input
    .split(CONTROLS)
    .filter((piece) => piece !== '')
    .map((piece) => {
      const name = BY_CONTROL[piece];
      return name === undefined ? { text: piece } : { name };
    });
}
