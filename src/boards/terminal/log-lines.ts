import { wrap } from '../../base/columns.ts';
import { foldDelivery } from '../../view/delivery.ts';
import { plainWords } from '../../view/marks.ts';
import type { TimelineEntry } from '../../view/shapes.ts';
import { timeline } from '../../view/timeline.ts';
import { entryWords, timeOf } from '../model/entries.ts';
import { filled, shown } from './cells.ts';
import type { Log, TextLine } from './texts.ts';

const WHO_WIDTH = 6;
/** The words begin below each other, unless that leaves them less than this. */
const LEAST_WORDS = 24;
const INDENT = 16;
const BAD = ['error', 'timeout', 'session_lost', 'delivery_failed', 'decision_refused'];
const ASKS = [
  ...['question', 'permission_required', 'rate_limited', 'turn_ended'],
  ...['stalled', 'delivery_unverified', 'blocked'],
];
/** Shorter names for sources that would not fit. */
const SHORT: Readonly<Record<string, string>> = { supervisor: 'superv' };

/** Who made an entry, in a narrow column: without the name behind it, which is the same in every line. */
export function whoOf({ by }: TimelineEntry): string {
  const [who = by] = by.split(' ');
  return filled(SHORT[who] ?? who, WHO_WIDTH);
}

/** An entry's type and its words; the words have their own line breaks. */
export function saidBy(entry: TimelineEntry): string {
  const head = `${plainWords(entry.type)}${entry.late === true ? ' (late)' : ''}`;
  return shown(`${head} ${entryWords(entry)}`.trim());
}

/** A job's log as lines of at most `width` columns, oldest entry first, with every word of it. */
export function logLines({ events, record }: Log, width: number): TextLine[] {
  const entries = foldDelivery(timeline(events, record), record);
  const earlier = (events[0]?.seq ?? 1) - 1;
  const cut = `… ${earlier} earlier events: mam logs ${record.job_id}`;
  const head: TextLine[] = earlier > 0 ? [{ text: cut, tone: 'dim' }] : [];
  return [...head, ...entries.flatMap((entry) => linesOf(entry, width))];
}

function linesOf(entry: TimelineEntry, width: number): TextLine[] {
  const start = `${timeOf(entry.recorded_at)} ${whoOf(entry)} `;
  const room = Math.max(LEAST_WORDS, width - INDENT);
  const [first = '', ...rest] = [saidBy(entry), ...blocksOf(entry)].flatMap((text) => wrap(text, room));
  const tone = toneOf(entry);
  return [
    { text: `${start}${first}`, tone },
    ...rest.map((line) => ({ text: `${' '.repeat(INDENT)}${line}`, tone: 'dim' as const })),
  ];
}

/** What an entry has besides its words. */
function blocksOf({ input, result, result_file, detail, output_tail }: TimelineEntry): string[] {
  const blocks = [
    input === undefined || detail?.includes(input) ? '' : input,
    result === undefined || detail === undefined ? '' : result,
    result_file === undefined ? '' : `all of the result: ${result_file}`,
    output_tail ?? '',
  ];
  return blocks.map((text) => shown(text.trimEnd())).filter((text) => text !== '');
}

function toneOf({ type, passed, source }: TimelineEntry): TextLine['tone'] {
  if (type === 'completed' || passed === true) return 'good';
  if (passed === false || BAD.includes(type)) return 'bad';
  if (ASKS.includes(type)) return 'mark';
  return source === 'hub' ? 'dim' : undefined;
}
