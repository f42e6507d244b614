import type { Key as InkKey } from 'ink';
import type { Key, KeyName } from './keys.ts';

const NAMES: readonly (readonly [keyof InkKey, KeyName])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
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

/** What Ink read, in the board's words; nothing for a key that has no meaning here. */
export function pressed(input: string, key: InkKey): Key[] {
  if (key.ctrl) return input === 'c' ? [{ name: 'quit' }] : input === 'u' ? [{ name: 'clear' }] : [];
  const name = NAMES.find(([flag]) => key[flag] === true)?.[1];
  if (name !== undefined) return [{ name }];
  // With Alt a letter is another key.
  return key.meta ? [] : pieces(input);
}

/** What was typed faster than it was read comes in one piece. An Enter in it stays text: it may be of a paste. */
function pieces(input: string): Key[] {
  return input
    .split(CONTROLS)
    .filter((piece) => piece !== '')
    .map((piece) => {
      const name = BY_CONTROL[piece];
      return name === undefined ? { text: piece } : { name };
    });
}
