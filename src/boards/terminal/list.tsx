import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { cut } from '../../base/columns.ts';
import type { JobRow } from '../../job/row.ts';
import { ageText, signOf, wordOf } from '../../view/marks.ts';
import { wordsOf } from '../model/rows.ts';
import { cutMiddle, filled } from './cells.ts';
import { columnsOf, layoutOf } from './layout.ts';
import { look, lookOf } from './look.ts';
import { type State, shownIds } from './state.ts';

/** The rows of the list that are on the screen; only these are rendered. */
export function List({ state }: { state: State }): ReactElement {
  const { list, width } = layoutOf(state.size);
  const { jobs, top, selected } = state;
  const ids = shownIds(state).slice(top, top + list);
  return (
    <Box flexDirection="column" height={list} flexShrink={0}>
      {ids.length === 0 && <Text dimColor>{cut(`  ${emptyText(state)}`, width)}</Text>}
      {ids.map((id) => {
        const row = jobs.rows.get(id);
        return row && <Row key={id} row={row} state={state} selected={id === selected} />;
      })}
    </Box>
  );
}

function Row({ row, state, selected }: { row: JobRow; state: State; selected: boolean }): ReactElement {
  const { width } = layoutOf(state.size);
  const columns = columnsOf(width);
  const cell = (text: string, columns: number): string =>
    columns < 2 ? '' : `${filled(text, columns - 1)} `;
  const tone = look(state.coloured, lookOf(row));
  const age = ageText(state.now - Date.parse(row.created_at));
  return (
    <Text wrap="truncate" bold={selected} inverse={selected}>
      {selected ? '▸ ' : '  '}
      <Text {...tone}>
        {signOf(row)} {cell(wordOf(row), columns.status)}
      </Text>
      {cell(cutMiddle(row.job_id, columns.id - 1), columns.id)}
      {cell(row.agent, columns.agent)}
      {cell(age.padStart(columns.age - 1), columns.age)}
      {filled(wordsOf(row), columns.words)}
    </Text>
  );
}

function emptyText({ jobs, which, filter, hub }: State): string {
  if (!jobs.parts[which].loaded) return hub === 'lost' ? '' : 'reading the list …';
  if (filter !== '') return 'no job matches (Esc clears the filter)';
  return which === 'open' && jobs.total > 0 ? 'no open job (o shows all)' : 'no job yet: mam submit --help';
}
