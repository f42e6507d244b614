import { graphemes } from '../../base/columns.ts';
import { clean, sliceUnits } from '../../base/text.ts';
import { LIMITS } from '../../job/limits.ts';
import { shown } from './cells.ts';
import type { Key } from './key.ts';

/** A line's text after a key was pressed. */
export function typed(text: string, key: Key, most: number = LIMITS.detailChars): string {
  return edited(text, key, most, (added) => shown(added.replace(/\s/g, ' ')));
}

/** The same for a text with several lines: those of a paste stay, and so does how its characters are written. */
export function typedLines(text: string, key: Key, most: number): string {
  return edited(text, key, most, (added) => clean(added.replace(/\r\n?/g, '\n')));
}

function edited(text: string, key: Key, most: number, plain: (added: string) => string): string {
  if ('text' in key) return sliceUnits(text + plain(key.text), 0, most);
  if (key.name === 'backspace') return graphemes(text).slice(0, -1).join('');
  return key.name === 'clear' ? '' : text;
}
