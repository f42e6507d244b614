import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { cut } from '../../base/columns.ts';
import { dialogLines, isRead } from './dialog.ts';
import { layoutOf } from './layout.ts';
import { look } from './look.ts';
import type { Confirm, State } from './state.ts';

const HELP: readonly (readonly [string, string])[] = [
  ['↑ ↓ j k', 'the job above, the job below'],
  ['PgUp PgDn', 'a page up, a page down'],
  ['Home End', 'the newest job, the oldest'],
  ['Tab', 'the next job that needs you'],
  ['Enter a', 'attach (return with Ctrl-b d, in the same tmux with Ctrl-b L)'],
  ['r', 'answer its question, or give an instruction'],
  ['y n', 'allow or deny its permission request'],
  ['c', 'cancel the job'],
  ['/', 'filter by words, Esc clears it'],
  ['o', 'open jobs only, or all'],
  ['q Ctrl-C', 'leave the board; jobs continue'],
];

const QUESTIONS = { allow: 'Allow this, once?', deny: 'Deny this?', cancel: 'Cancel this job?' } as const;
const ENTER = { allow: 'Enter allows it', deny: 'Enter denies it', cancel: 'Enter cancels it' } as const;

/** What covers the list: the help, or a question to confirm. */
export function Overlay({ state }: { state: State }): ReactElement | null {
  const { body } = layoutOf(state.size);
  const { mode } = state;
  return (
    <Box flexDirection="column" height={body} flexShrink={0}>
      {mode.kind === 'confirm' ? <Question state={state} mode={mode} /> : <Help state={state} />}
    </Box>
  );
}

function Help({ state }: { state: State }): ReactElement {
  const { width, body } = layoutOf(state.size);
  return (
    <>
      {HELP.slice(0, body).map(([keys, text]) => (
        <Text key={keys} wrap="truncate">
          <Text bold>{` ${keys.padEnd(10)}`}</Text>
          {cut(text, width - 11)}
        </Text>
      ))}
    </>
  );
}

function Question({ state, mode }: { state: State; mode: Confirm }): ReactElement {
  const { width } = layoutOf(state.size);
  const { lines, room } = dialogLines(state, mode);
  const below = lines.length - mode.top - room;
  const keys = isRead(state, mode) ? `${ENTER[mode.what]}, Esc goes back` : `${below} more lines: PgDn`;
  const title = mode.what === 'cancel' ? QUESTIONS.cancel : `${QUESTIONS[mode.what]} ${mode.jobId}`;
  const tone = look(state.coloured, { bold: true, color: mode.what === 'allow' ? 'yellow' : 'red' });
  return (
    <>
      <Text wrap="truncate" {...tone}>
        {cut(` ${title}`, width)}
      </Text>
      <Text> </Text>
      {lines.slice(mode.top, mode.top + room).map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text's line is identified only by its position
        <Text key={index} wrap="truncate">
          {` ${line}`}
        </Text>
      ))}
      <Text> </Text>
      <Text bold wrap="truncate">
        {cut(` ${keys}`, width)}
      </Text>
    </>
  );
}
