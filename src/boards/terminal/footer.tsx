import { Text } from 'ink';
import type { ReactElement } from 'react';
import { columnsOf, cut } from '../../base/columns.ts';
import { filled, tail } from './cells.ts';
import { layoutOf } from './layout.ts';
import { look } from './look.ts';
import type { Place } from './painter.ts';
import type { State } from './state.ts';

const KEYS =
  '↑↓ move  Enter attach  r answer  y/n allow/deny  c cancel  / filter  o open/all  ? help  q quit';
/** The minimum width for what is typed, in columns. */
const LEAST_TYPED = 20;
const SHORT_KEYS = '? help  q quit  Enter attach  / filter';

/** The last line: what is typed, a note, or the keys. */
export function Footer({ state }: { state: State }): ReactElement {
  const { width } = layoutOf(state.size);
  const { mode, note, coloured } = state;
  const line = typedLine(state);
  if (line !== undefined) {
    return (
      <Text wrap="truncate">
        <Text bold>{line.label}</Text>
        {line.text}
      </Text>
    );
  }
  if (note !== undefined) {
    const tone = look(coloured, { color: note.bad ? 'red' : 'green' });
    return (
      <Text wrap="truncate" {...tone}>
        {cut(` ${note.text}`, width)}
      </Text>
    );
  }
  const keys = mode.kind === 'help' ? 'press any key to go back' : width < KEYS.length ? SHORT_KEYS : KEYS;
  return <Text dimColor>{filled(cut(` ${keys}`, width), width)}</Text>;
}

/** Where the terminal's own cursor is: an input method shows its composition there. */
export function cursorOf(state: State): Place | undefined {
  const line = typedLine(state);
  return line && { x: columnsOf(line.label + line.text), y: layoutOf(state.size).body + 1 };
}

/** The line that is being typed, as much of it as fits. */
function typedLine({ mode, filter, size }: State): { label: string; text: string } | undefined {
  if (mode.kind !== 'filter' && mode.kind !== 'answer') return undefined;
  const { width } = layoutOf(size);
  const [whole, text] =
    mode.kind === 'filter'
      ? [' filter: ', filter]
      : [mode.question === undefined ? ' instruction: ' : ` ${mode.question} answer: `, mode.text];
  const label = cut(whole, Math.max(1, width - LEAST_TYPED));
  return { label, text: tail(text, width - columnsOf(label) - 1) };
}
