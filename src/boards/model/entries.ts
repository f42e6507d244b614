import { verdictWords } from '../../job/check.ts';
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

/** The time of day in the reader's time zone. */
export function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB');
}
