import { Box, Text, useInput } from 'ink';
import { type ReactElement, useSyncExternalStore } from 'react';
import { cut } from '../../base/columns.ts';
import { filled } from './cells.ts';
import { Detail } from './detail.tsx';
import { Footer } from './footer.tsx';
import type { Key } from './key.ts';
import { List } from './list.tsx';
import { look } from './look.ts';
import { isCovered, Overlay } from './overlay.tsx';
import { pressed } from './pressed.ts';
import { headline } from './reduce.ts';
import { layoutFor, type State } from './state.ts';
import type { Store } from './store.ts';

/** In a narrower terminal, the numbers of jobs need the room. */
const LEAST_FOR_BELL = 50;

/** The whole screen: a line about all jobs, the list, the selected job, a line about the keys. */
export function Board({ store, onKey }: { store: Store; onKey: (key: Key) => void }): ReactElement {
  const state = useSyncExternalStore(store.subscribe, store.picture);
  useInput((input, key) => {
    for (const one of pressed(input, key)) onKey(one);
  });
  const { body, isWide } = layoutFor(state);
  return (
    <Box flexDirection="column" height={body + 2}>
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
  const rings = width < LEAST_FOR_BELL ? '' : bell ? 'bell on ' : 'bell off ';
  const text = cut(` mam watch  ${lost ?? headline(state)}${shows}${filtered}`, width - rings.length);
  const tone = lost === undefined ? { inverse: true } : { inverse: true, color: 'red', bold: true };
  return (
    <Text wrap="truncate" {...look(coloured, tone)}>
      {filled(text, width - rings.length)}
      {rings}
    </Text>
  );
}
