import { cleanLine } from '../../base/text.ts';
import type { RecordedEvent } from '../../job/event.ts';
import { evidenceWords } from '../../view/event-words.ts';
import { shown } from './cells.ts';

/** An event in a line. */
export interface TimelineLine {
  seq: number;
  /** Time of day on this machine. */
  time: string;
  who: string;
  what: string;
}

const WORDS_CHARS = 300;
/** A name and a space; a longer source is cut. */
const SHORT: Readonly<Record<string, string>> = { supervisor: 'superv' };

/** The newest events, oldest first, each harmless and in one line. */
export function timelineLines(events: readonly RecordedEvent[], count: number): TimelineLine[] {
  if (count < 1) return [];
  return events.slice(-count).map((event) => {
    const words = event.detail ?? evidenceWords(event) ?? '';
    const late = event.late === true ? ' (late)' : '';
    return {
      seq: event.seq,
      time: timeOf(event.recorded_at),
      who: SHORT[event.source] ?? event.source,
      what: shown(cleanLine(`${event.type}${late}  ${words}`.trim(), WORDS_CHARS)),
    };
  });
}

function timeOf(iso: string): string {
  const at = new Date(iso);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
