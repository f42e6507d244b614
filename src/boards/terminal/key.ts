/** What was pressed: the name of a key, or text that was typed or pasted in one piece. */
export type Key = { name: KeyName } | { text: string };
export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'pageUp'
  | 'pageDown'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'tab'
  | 'backtab'
  | 'clear'
  | 'quit';

/** Letters that move as keys do. */
export const MOVES: Readonly<Record<string, KeyName>> = { j: 'down', k: 'up', g: 'home', G: 'end' };

export function nameOf(key: Key): KeyName | undefined {
  return 'name' in key ? key.name : undefined;
}
