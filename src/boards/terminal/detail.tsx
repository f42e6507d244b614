import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { cut } from '../../base/columns.ts';
import { openRequest } from '../../job/open-request.ts';
import { ageText } from '../../view/marks.ts';
import { obstacleText } from '../../view/summary.ts';
import { placeOf } from '../model/rows.ts';
import { filled, shown } from './cells.ts';
import { openPermission } from './dialog.ts';
import { layoutOf } from './layout.ts';
import { look, lookOf } from './look.ts';
import { type State, selectedDetail, selectedRow } from './state.ts';
import { timelineLines } from './timeline.ts';

/** The selected job: its state, its history, its pane's screen. */
export function Detail({ state }: { state: State }): ReactElement | null {
  const { detail, timeline, screen, beside } = layoutOf(state.size);
  if (detail === 0) return null;
  return (
    <Box flexDirection="column" height={detail + 1} flexShrink={0}>
      <Rule state={state} />
      <Box flexDirection={beside ? 'row' : 'column'} columnGap={beside ? 2 : 0} height={detail}>
        <Box flexDirection="column" width={timeline.width} height={timeline.height} flexShrink={0}>
          <Timeline state={state} />
        </Box>
        <Box flexDirection="column" width={screen.width} height={screen.height} flexShrink={0}>
          <Screen state={state} />
        </Box>
      </Box>
    </Box>
  );
}

function Rule({ state }: { state: State }): ReactElement {
  const { width } = layoutOf(state.size);
  const row = selectedRow(state);
  if (row === undefined) return <Text dimColor>{'─'.repeat(width)}</Text>;
  const { status: word, reason, blocked_by } = row;
  const more = reason ?? blocked_by;
  const status = more === undefined ? word : `${word} (${more})`;
  const pane = placeOf(row);
  const place = pane === undefined ? row.agent : `${row.agent} in ${shown(pane)}`;
  const age = ageText(state.now - Date.parse(row.created_at));
  const text = cut(`── ${row.job_id} · ${status} · ${place} · ${age} ago `, width);
  return (
    <Text wrap="truncate" {...look(state.coloured, lookOf(row))}>
      {text.padEnd(width, '─')}
    </Text>
  );
}

function Timeline({ state }: { state: State }): ReactElement | null {
  const { timeline } = layoutOf(state.size);
  const detail = selectedDetail(state);
  if (detail === undefined) return null;
  const asked = openRequest(detail.record);
  const kept = obstacleText(detail.record);
  const keys = openPermission(detail.record) === undefined ? 'r answer:' : 'y allow, n deny:';
  const asks = asked === undefined ? kept : `${keys} ${shown(asked.text).replace(/\s+/g, ' ')}`;
  const lines = timelineLines(detail, timeline.height - (asks === undefined ? 0 : 1));
  return (
    <>
      {lines.map(({ seq, time, who, what }) => (
        <Text key={seq} wrap="truncate">
          <Text dimColor>
            {time} {filled(who, 6)}{' '}
          </Text>
          {cut(what, timeline.width - 16)}
        </Text>
      ))}
      {asks !== undefined && (
        <Text wrap="truncate" {...look(state.coloured, { color: 'yellow', bold: true })}>
          {cut(asks, timeline.width)}
        </Text>
      )}
    </>
  );
}

function Screen({ state }: { state: State }): ReactElement {
  const { screen: room, beside } = layoutOf(state.size);
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
      {lines.slice(-Math.max(0, room.height - 1) || lines.length).map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a screen's row is identified only by its position
        <Text key={index} wrap="truncate" dimColor={!screen.live}>
          {cut(line, room.width) || ' '}
        </Text>
      ))}
    </>
  );
}
