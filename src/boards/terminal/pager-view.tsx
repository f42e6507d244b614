import { Text } from 'ink';
import type { ReactElement } from 'react';
import { columnsOf, cut } from '../../base/columns.ts';
import { type Look, look } from './look.ts';
import { type Pager, pagerLines, pagerRoom, pagerTitle, topOf } from './pager.ts';
import { layoutFor, type State } from './state.ts';
import type { TextLine } from './texts.ts';

const LOOKS: Readonly<Record<NonNullable<TextLine['tone']>, Look>> = {
  head: { bold: true },
  good: { color: 'green' },
  bad: { color: 'red' },
  mark: { color: 'cyan' },
  dim: { dimColor: true },
};

/** A long text with its title, and how far it is scrolled. */
export function PagerView({ state, mode }: { state: State; mode: Pager }): ReactElement {
  const { width } = layoutFor(state);
  const lines = pagerLines(state, mode);
  const top = topOf(state, mode);
  const room = pagerRoom(state);
  const end = Math.min(top + room, lines?.length ?? 0);
  const isWhole = lines === undefined || lines.length <= room;
  const place = isWhole ? '' : `${top + 1}–${end} of ${lines.length}`;
  const title = cut(` ${pagerTitle(mode)}`, width - columnsOf(place) - 2);
  return (
    <>
      <Text bold wrap="truncate">
        {`${title}${' '.repeat(Math.max(1, width - columnsOf(title) - columnsOf(place) - 1))}${place}`}
      </Text>
      <Text> </Text>
      {lines === undefined && <Text dimColor>{cut(' reading …', width)}</Text>}
      {lines?.slice(top, end).map(({ text, tone }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text's line is identified only by its position
        <Text key={index} wrap="truncate" {...look(state.coloured, tone === undefined ? {} : LOOKS[tone])}>
          {` ${text}`}
        </Text>
      ))}
    </>
  );
}
