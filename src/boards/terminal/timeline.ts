import { cleanLine } from '../../base/text.ts';
import { timeline } from '../../view/timeline.ts';
import { entryWords, timeOf } from '../model/entries.ts';
import { shown } from './cells.ts';
import type { Detail } from './state.ts';

const WORDS_CHARS = 300;
/** Shorter names for sources that would not fit. */
const SHORT: Readonly<Record<string, string>> = { supervisor: 'superv' };

/** The newest events, oldest first, each made harmless and on one line. */
export function timelineLines({ events, record }: Detail, count: number) {
  if (count < 1) return [];
  return timeline(events.slice(-count), record).map((entry) => {
    const { seq, type, by, recorded_at, late } = entry;
    const [who = by] = by.split(' ');
    const head = late === true ? `${type} (late)` : type;
    return {
      seq,
      time: timeOf(recorded_at),
      // Without the name behind it, which is the same in every line.
      who: SHORT[who] ?? who,
      what: shown(cleanLine(`${head}  ${entryWords(entry)}`.trim(), WORDS_CHARS)),
    };
  });
}
