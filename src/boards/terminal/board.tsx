import { Box, Text, useInput } from 'ink';
import { type ReactElement, useSyncExternalStore } from 'react';
import { cut } from '../../base/columns.ts';
import { filled } from './cells.ts';
import { Detail } from './detail.tsx';
import { Footer } from './footer.tsx';
import type { Key } from './keys.ts';
import { layoutOf } from './layout.ts';
import { List } from './list.tsx';
import { look } from './look.ts';
import { Overlay } from './overlay.tsx';
import { pressed } from './pressed.ts';
import { headline } from './reduce.ts';
import type { State } from './state.ts';
import type { Store } from './store.ts';

/** The whole screen: a line about all jobs, the list, the selected job, a line about the keys. */
export function Board({ store, onKey }: { store: Store; onKey: (key: Key) => void }): ReactElement {
  const state = useSyncExternalStore(store.subscribe, store.picture);
  useInput((input, key) => {
    for (const one of pressed(input, key)) onKey(one);
  });
  const { body } = layoutOf(state.size);
  const covered = state.mode.kind === 'help' || state.mode.kind === 'confirm';
  return (
    <Box flexDirection="column" height={body + 2}>
      <Header state={state} />
      {covered ? (
        <Overlay state={state} />
      ) : (
        <>
          <List state={state} />
          <Detail state={state} />
        </>
      )}
      <Footer state={state} />
    </Box>
  );
}

function Header({ state }: { state: State }): ReactElement {
  const { width } = layoutOf(state.size);
  const { which, filter, coloured } = state;
  const lost = state.hub === 'lost' ? 'The hub is gone; reconnecting …' : undefined;
  const shows = which === 'open' ? ' · open only' : '';
  const filtered = filter === '' ? '' : ` · filter: ${filter}`;
  const text = cut(` mam watch  ${lost ?? headline(state)}${shows}${filtered}`, width);
  const tone = lost === undefined ? { inverse: true } : { inverse: true, color: 'red', bold: true };
  return (
    <Text wrap="truncate" {...look(coloured, tone)}>
      {filled(text, width)}
    </Text>
  );
}
