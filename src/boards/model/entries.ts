import { verdictWords } from '../../job/check.ts';
import type { TimelineEntry } from '../../view/shapes.ts';

/** The progress of a decision, by the type of the entry. */
const DECISIONS: Readonly<Record<string, string>> = {
  deciding: 'delivering: ',
  answered: 'delivered: ',
  decision_refused: 'refused: ',
  permission_resolved: 'resolved: ',
};

/** The text of an audit log entry besides its type, with its own line breaks. */
export function entryWords(entry: TimelineEntry): string {
  const { type, decision, about, tool, files } = entry;
  const verdict = verdictWords({ ...entry });
  const decided =
    DECISIONS[type] === undefined || decision === undefined ? undefined : `${DECISIONS[type]}${decision}`;
  const words = entry.detail ?? entry.result ?? entry.evidence ?? entry.blocked_by ?? entry.pane;
  const parts = [verdict, decided, tool, words, files && `files: ${files.join(', ')}`];
  if (about !== undefined) parts.push(`(about: ${about})`);
  return parts.filter(Boolean).join(' · ');
}

/** The time of day in the reader's time zone. */
export function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB');
}
