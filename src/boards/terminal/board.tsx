import { Box, Text, useInput } from 'ink';
import { type ReactElement, useSyncExternalStore } from 'react';
import { columnsOf, cut } from '../../base/columns.ts';
import { filled } from './cells.ts';
import { Detail } from './detail.tsx';
import { Footer } from './footer.tsx';
import type { Key } from './key.ts';
import { List } from './list.tsx';
import { look } from './look.ts';
import { isCovered, Overlay } from './overlay.tsx';
import { pressed } from './pressed.ts';
import { headline } from './reduce.ts';
import { layoutFor, noteLines, type State } from './state.ts';
import type { Store } from './store.ts';

/** The whole screen: a line about all jobs, the list, the selected job, a line about the keys. */
export function Board({ store, onKey }: { store: Store; onKey: (key: Key) => void }): ReactElement {
  const state = useSyncExternalStore(store.subscribe, store.picture);
  useInput((input, key) => {
    for (const one of pressed(input, key)) onKey(one);
  });
  const { body, isWide } = layoutFor(state);
  return (
    <Box flexDirection="column" height={body + 2 + noteLines(state).length}>
      <Header state={state} />
      {isCovered(state) ? (
        <Overlay state={state} />
      ) : (
        <Box flexDirection={isWide ? 'row' : 'column'} columnGap={isWide ? 2 : 0} height={body}>
          <List state={state} />
          <Detail state={state} />
        </Box>
      )}
      <Footer state={state} />
    </Box>
  );
}

function Header({ state }: { state: State }): ReactElement {
  const { width } = layoutFor(state);
  const { which, filter, coloured, bell } = state;
  const lost = state.hub === 'lost' ? 'The hub is gone; reconnecting …' : undefined;
  const shows = which === 'open' ? ' · open only' : '';
  const filtered = filter === '' ? '' : ` · filter: ${filter}`;
  const about = `${lost ?? headline(state)}${shows}${filtered}`;
  const bells = bell ? '  bell on ' : '  bell off ';
  // What is said about the jobs matters more than the name of the program, and both more than the bell.
  const rings = columnsOf(` mam watch  ${about}`) + bells.length <= width ? bells : '';
  const isLong = columnsOf(` mam watch  ${about}`) > width;
  const text = cut(isLong ? ` ${about}` : ` mam watch  ${about}`, width - rings.length);
  const tone = lost === undefined ? { inverse: true } : { inverse: true, color: 'red', bold: true };
  return (
    <Text wrap="truncate" {...look(coloured, tone)}>
      {filled(text, width - rings.length)}
      {rings}
    </Text>
  );
}
