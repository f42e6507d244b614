import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { columnsOf as columnsIn, cut } from '../../base/columns.ts';
import { agentWords } from '../../job/agent-words.ts';
import type { JobRow } from '../../job/row.ts';
import { farOf } from '../../view/home.ts';
import { ageText, signOf, wordOf } from '../../view/marks.ts';
import { wordsOf } from '../model/rows.ts';
import { cutId, filled } from './cells.ts';
import { depthOf, isFar } from './jobs.ts';
import { columnsOf } from './layout.ts';
import { look, lookOf } from './look.ts';
import { layoutFor, type State, shownIds } from './state.ts';

/** Deeper jobs are drawn as deep as this: their ids need the room. */
const DEEPEST = 3;

/** The rows of the list that are on the screen; only these are rendered. */
export function List({ state }: { state: State }): ReactElement {
  const { width, height } = layoutFor(state).list;
  const { jobs, top, selected } = state;
  // Until the jobs that need someone are known, it would move under the reader's eyes.
  const ids = jobs.ready ? shownIds(state).slice(top, top + height) : [];
  return (
    <Box flexDirection="column" width={width} height={height} flexShrink={0}>
      {ids.length === 0 && <Text dimColor>{cut(`  ${emptyText(state)}`, width)}</Text>}
      {ids.map((id) => {
        const row = jobs.rows.get(id);
        return row && <Row key={id} row={row} state={state} selected={id === selected} />;
      })}
    </Box>
  );
}

function Row({ row, state, selected }: { row: JobRow; state: State; selected: boolean }): ReactElement {
  const { width } = layoutFor(state).list;
  const columns = columnsOf(width, isFar(state.jobs));
  const cell = (text: string, columns: number): string =>
    columns < 2 ? '' : `${filled(text, columns - 1)} `;
  const tone = look(state.coloured, lookOf(row));
  const branch = branchOf(depthOf(state.jobs, row.job_id));
  const age = ageText(state.now - Date.parse(row.created_at));
  return (
    <Text wrap="truncate" bold={selected} inverse={selected}>
      {selected ? '▸ ' : '  '}
      <Text {...tone}>
        {signOf(row)} {cell(wordOf(row), columns.status)}
      </Text>
      {cell(`${branch}${cutId(row.job_id, columns.id - 1 - columnsIn(branch))}`, columns.id)}
      {cell(agentWords(row), columns.agent)}
      {cell(farOf(row) ?? '', columns.host)}
      {cell(age.padStart(columns.age - 1), columns.age)}
      {filled(wordsOf(row), columns.words)}
    </Text>
  );
}

/** What leads from a job to the one above it, which it waits for. */
function branchOf(depth: number): string {
  return depth === 0 ? '' : `${'  '.repeat(Math.min(depth, DEEPEST) - 1)}↳ `;
}

function emptyText({ jobs, which, filter, hub }: State): string {
  if (!jobs.ready) return hub === 'lost' ? '' : 'reading the list …';
  if (filter !== '') return 'no job matches (Esc clears the filter)';
  return which === 'open' && jobs.total > 0 ? 'no open job (o shows all)' : 'no job yet: mam submit --help';
}
