import { Box, Text } from 'ink';
import type { ReactElement } from 'react';
import { cut } from '../../base/columns.ts';
import { dialogLines } from './dialog.ts';
import { FormView, MenuView } from './form-view.tsx';
import { look } from './look.ts';
import { PagerView } from './pager-view.tsx';
import { type Confirm, layoutFor, type State } from './state.ts';

const QUESTIONS = { allow: 'Allow this, once?', deny: 'Deny this?', cancel: 'Cancel this job?' } as const;

/** What covers the list; null while nothing does. */
export function Overlay({ state }: { state: State }): ReactElement | null {
  const content = contentOf(state);
  return (
    content && (
      <Box flexDirection="column" height={layoutFor(state).body} flexShrink={0}>
        {content}
      </Box>
    )
  );
}

/** True while something covers the list. */
export function isCovered({ mode }: State): boolean {
  return ['confirm', 'pager', 'form', 'menu'].includes(mode.kind);
}

function contentOf(state: State): ReactElement | null {
  const { mode } = state;
  switch (mode.kind) {
    case 'confirm':
      return <Question state={state} mode={mode} />;
    case 'pager':
      return <PagerView state={state} mode={mode} />;
    case 'form':
      return <FormView state={state} mode={mode} />;
    case 'menu':
      return <MenuView state={state} mode={mode} />;
    default:
      return null;
  }
}

function Question({ state, mode }: { state: State; mode: Confirm }): ReactElement {
  const { width } = layoutFor(state);
  const { lines, room } = dialogLines(state, mode);
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
    </>
  );
}
