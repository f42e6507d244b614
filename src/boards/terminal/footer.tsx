import { Text } from 'ink';
import type { ReactElement } from 'react';
import { columnsOf, cut } from '../../base/columns.ts';
import { filled, tail } from './cells.ts';
import { asksPermission, COMMANDS, canAttach } from './commands.ts';
import { linesBelow } from './dialog.ts';
import { look } from './look.ts';
import type { Place } from './painter.ts';
import { type Line, layoutFor, type Mode, noteLines, type State } from './state.ts';

/** The minimum width for what is typed, in columns. */
const LEAST_TYPED = 20;
/** These are always shown. */
const LAST = ['?', 'q'];
const GAP = '  ';

/** The keys of everything that covers the board. */
const COVERED: Partial<Record<Mode['kind'], string>> = {
  pager: 'PgUp PgDn scroll  Home End  Esc goes back',
  form: 'Enter delegates  ↑↓ choose  Esc goes back',
  menu: 'Enter starts it  ↑↓ choose  Esc goes back',
};

const YES = { allow: 'allows it', deny: 'denies it', cancel: 'cancels it' } as const;

/** The last lines: a note, and what is typed or the keys. */
export function Footer({ state }: { state: State }): ReactElement {
  const { width } = layoutFor(state);
  const { mode, note, coloured } = state;
  const tone = look(coloured, { color: note?.bad ? 'red' : 'green' });
  return (
    <>
      {noteLines(state).map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text's line is identified only by its position
        <Text key={index} wrap="truncate" {...tone}>
          {` ${line}`}
        </Text>
      ))}
      <LastLine state={state} width={width} typed={typedLine(state)} isConfirm={mode.kind === 'confirm'} />
    </>
  );
}

function LastLine({
  state,
  width,
  typed,
  isConfirm,
}: {
  state: State;
  width: number;
  typed: ReturnType<typeof typedLine>;
  isConfirm: boolean;
}): ReactElement {
  if (typed === undefined)
    return (
      <Text bold={isConfirm} dimColor={!isConfirm} wrap="truncate">
        {filled(` ${keysOf(state, width - 1)}`, width)}
      </Text>
    );
  return (
    <Text wrap="truncate">
      <Text bold>{typed.label}</Text>
      {typed.text}
    </Text>
  );
}

/** The keys of what is on the screen. */
function keysOf(state: State, width: number): string {
  const { mode } = state;
  if (mode.kind === 'confirm') {
    const below = linesBelow(state, mode);
    return below > 0 ? `${below} more lines: PgDn` : `Enter ${YES[mode.what]}, Esc goes back`;
  }
  return COVERED[mode.kind] ?? keysFor(state, width);
}

/** The keys that would do something now, the most important ones first, as many as fit. */
function keysFor(state: State, width: number): string {
  const words = Object.entries(COMMANDS).flatMap(([letter, { word }]): [string, string][] => {
    const text = word(state);
    const own: [string, string][] = text === undefined ? [] : [[letter, text]];
    if (letter === 'a' && canAttach(state)) return [['Enter', 'attach']];
    return letter === 'N' ? [[asksPermission(state) ? 'N' : 'n', 'new job']] : own;
  });
  const last = words.filter(([letter]) => LAST.includes(letter)).map((pair) => pair.join(' '));
  let left = width - columnsOf(last.join(GAP));
  const first = words
    .filter(([letter]) => !LAST.includes(letter))
    .map((pair) => pair.join(' '))
    .filter((text) => {
      const fits = left >= text.length + GAP.length;
      // What comes later is less important: it does not take the place of a key that does not fit.
      left = fits ? left - text.length - GAP.length : 0;
      return fits;
    });
  return [...first, ...last].join(GAP);
}

/** Where the terminal's own cursor is: an input method shows its composition there. */
export function cursorOf(state: State): Place | undefined {
  const line = typedLine(state);
  return (
    line && { x: columnsOf(line.label + line.text), y: layoutFor(state).body + 1 + noteLines(state).length }
  );
}

/** The line that is being typed, as much of it as fits. */
function typedLine(state: State): Pick<Line, 'label' | 'text'> | undefined {
  const { mode, filter } = state;
  if (mode.kind !== 'filter' && mode.kind !== 'line') return undefined;
  const { width } = layoutFor(state);
  const [whole, text] = mode.kind === 'filter' ? [' filter: ', filter] : [mode.label, mode.text];
  const label = cut(whole, Math.max(1, width - LEAST_TYPED));
  return { label, text: tail(text, width - columnsOf(label) - 1) };
}
