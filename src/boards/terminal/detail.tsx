import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { cut } from '../../base/columns.ts';
import { ageText, standingWords } from '../../view/marks.ts';
import { holderOf } from '../model/rows.ts';
import { shown } from './cells.ts';
import { look, lookOf } from './look.ts';
import { layoutFor, type State, selectedDetail, selectedRow } from './state.ts';
import { type JobLine, jobLines } from './text-lines.ts';

/** The selected job: its state, its prompt and history, its pane's screen. */
export function Detail({ state }: { state: State }): ReactElement | null {
  const { detail: room, text, screen, beside } = layoutFor(state);
  if (room.height === 0) return null;
  const detail = selectedDetail(state);
  const lines = detail === undefined ? [] : jobLines(detail, text);
  // Below the text, the screen gets the rows that the text leaves.
  const height = beside || screen.height === 0 ? text.height : Math.min(text.height, lines.length);
  const rest = beside ? screen.height : text.height - height + screen.height;
  return (
    <Box flexDirection="column" width={room.width} height={room.height} flexShrink={0}>
      <Rule state={state} />
      <Box flexDirection={beside ? 'row' : 'column'} columnGap={beside ? 2 : 0} height={room.height - 1}>
        <Box flexDirection="column" width={text.width} height={height} flexShrink={0}>
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is identified only by its position
            <Line key={index} line={line} coloured={state.coloured} />
          ))}
        </Box>
        {screen.height > 0 && (
          <Box flexDirection="column" width={screen.width} height={rest} flexShrink={0}>
            <Screen state={state} height={rest} />
          </Box>
        )}
      </Box>
    </Box>
  );
}

function Rule({ state }: { state: State }): ReactElement {
  const { width } = layoutFor(state).detail;
  const row = selectedRow(state);
  if (row === undefined) return <Text dimColor>{'─'.repeat(width)}</Text>;
  const place = shown(holderOf(row));
  const age = ageText(state.now - Date.parse(row.created_at));
  const text = cut(`── ${row.job_id} · ${standingWords(row)} · ${place} · ${age} ago `, width);
  return (
    <Text wrap="truncate" {...look(state.coloured, lookOf(row))}>
      {text.padEnd(width, '─')}
    </Text>
  );
}

function Line({ line: { kind, lead, text }, coloured }: { line: JobLine; coloured: boolean }): ReactElement {
  const tone =
    kind === 'ask'
      ? look(coloured, { color: 'yellow', bold: true })
      : look(coloured, kind === 'prompt' ? { color: 'blue' } : {});
  return (
    <Text wrap="truncate" {...tone}>
      {lead !== '' && <Text dimColor>{lead}</Text>}
      {text}
    </Text>
  );
}

function Screen({ state, height }: { state: State; height: number }): ReactElement {
  const { screen: room, beside } = layoutFor(state);
  const { screen, selected } = state;
  if (screen === undefined || screen.jobId !== selected) return <Text dimColor> </Text>;
  const lines = screen.screen.map((line) => shown(line).trimEnd());
  while (lines.at(-1) === '') lines.pop();
  const title = screen.missing ?? (screen.live ? 'screen, live' : 'final screen');
  const mark = beside ? '' : '· ';
  return (
    <>
      <Text dimColor wrap="truncate">
        {cut(`${mark}${title}`, room.width)}
      </Text>
      {lines.slice(-Math.max(0, height - 1) || lines.length).map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a screen's row is identified only by its position
        <Text key={index} wrap="truncate" dimColor={!screen.live}>
          {cut(line, room.width) || ' '}
        </Text>
      ))}
    </>
  );
}
