import { verdictWords } from '../../job/check.ts';
import type { TimelineEntry } from '../../view/shapes.ts';

/** How far a decision has got, by the type of the entry. */
const DECISIONS: Readonly<Record<string, string>> = {
  deciding: 'about to give: ',
  answered: 'given: ',
  decision_refused: 'refused: ',
  permission_resolved: 'settled: ',
};

/** What an entry of the audit log says besides its type, on as few lines as it has. */
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

/** Time of day where the reader is. */
export function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB');
}
