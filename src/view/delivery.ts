import type { JobRecord } from '../job/record.ts';
import type { TimelineEntry } from './shapes.ts';
import { fineSpanText } from './times.ts';

/** A shorter time between two stages is not worth naming as a wait, in ms. */
const WAIT_MS = 1_000;
/** How far a text got that was not submitted. */
const REACHED: Readonly<Record<string, string>> = {
  pasting: 'not seen in the pane yet',
  visible: 'in the input box, not submitted yet',
};
const STAGES = ['queued', ...Object.keys(REACHED), 'submitted'];

/**
 * Joins the stages of handing a text over into one entry: `delivered`, and how long that took; or the last stage that was
 * reached. Everything else stays. @param record the job after these entries, or later
 */
export function foldDelivery(
  entries: readonly TimelineEntry[],
  record: Pick<JobRecord, 'delivery'>,
): TimelineEntry[] {
  const last = new Map<string, TimelineEntry>();
  const begun = new Map<TimelineEntry, TimelineEntry>();
  const folded: TimelineEntry[] = [];
  for (const entry of entries) {
    const text = entry.what ?? '';
    const before = last.get(text);
    // A second order's stage, such as after the agent was started, continues the first one's.
    if (!STAGES.includes(entry.type)) {
      folded.push(entry);
      continue;
    }
    const at = before === undefined ? -1 : folded.lastIndexOf(before);
    if (at >= 0 && before?.type !== 'submitted') folded.splice(at, 1);
    begun.set(entry, (before?.type !== 'submitted' && before && begun.get(before)) || entry);
    last.set(text, entry);
    folded.push(entry);
  }
  return folded.map((entry) => {
    const first = begun.get(entry);
    if (first === undefined || entry.type === 'queued') return entry;
    return shortened(entry, first, record);
  });
}

function shortened(
  entry: TimelineEntry,
  first: TimelineEntry,
  { delivery }: Pick<JobRecord, 'delivery'>,
): TimelineEntry {
  const { stage_ms: _, evidence: __, ...rest } = entry;
  // The events before may be missing; the receipt is not. It has only the order's own stages.
  const at = (...stages: string[]): number | undefined => {
    const found = entry.what === undefined ? delivery.find(({ stage }) => stages.includes(stage)) : undefined;
    return found === undefined ? undefined : Date.parse(found.at);
  };
  // A peer that works has its order, whether or not it was seen to be submitted.
  const proven = at('submitted', 'acknowledged', 'started');
  const reached = REACHED[entry.type];
  if (reached !== undefined && proven === undefined) return { ...rest, evidence: reached };
  const end = proven ?? Date.parse(entry.recorded_at);
  const begin = at('queued') ?? Date.parse(first.recorded_at);
  const pasted = at('pasting') ?? begin;
  const waited = pasted - begin;
  const isLong = waited >= WAIT_MS;
  const took = `in ${fineSpanText(end - (isLong ? pasted : begin))}`;
  return {
    ...rest,
    type: 'delivered',
    evidence: isLong ? `${took}, after ${fineSpanText(waited)} in the queue` : took,
  };
}
