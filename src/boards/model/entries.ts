import { verdictWords } from '../../job/check.ts';
import type { JobRecord } from '../../job/record.ts';
import { foldDelivery } from '../../view/delivery.ts';
import type { TimelineEntry } from '../../view/shapes.ts';

/** The text of an audit log entry besides its type, which it does not repeat: a board is narrow. With its own line breaks. */
export function entryWords(entry: TimelineEntry): string {
  const { decision, about, tool = '', files } = entry;
  const verdict = verdictWords({ ...entry });
  const words = entry.detail ?? entry.result ?? entry.evidence ?? entry.blocked_by ?? entry.pane;
  const isNamed = words?.includes(tool) === true;
  const parts = [verdict, decision, isNamed ? '' : tool, words, files && `files: ${files.join(', ')}`];
  if (about !== undefined) parts.push(`(about: ${about})`);
  return parts.filter(Boolean).join(' · ');
}

/** The stages that prove how far an order got. */
const STAGES: readonly string[] = ['queued', 'pasting', 'visible', 'submitted', 'acknowledged', 'started'];

/** The entries with each delivery as one line. Without the job's record, they say themselves how far its order got. */
export function foldEntries(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const delivery = entries
    .filter(({ type, what }) => what === undefined && STAGES.includes(type))
    .map(({ type, recorded_at: at }) => ({ stage: type, at }));
  return foldDelivery(entries, { delivery: delivery as JobRecord['delivery'] });
}

/** The time of day in the reader's time zone. */
export function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB');
}
