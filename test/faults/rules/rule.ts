import { apply } from '../../../src/job/apply.ts';
import type { JobRecord } from '../../../src/job/record.ts';
import { AMENDABLE } from '../../../src/job/words.ts';
import type { Evidence, JobEvidence, Told } from '../evidence.ts';

/** Looks at the evidence. @returns a sentence for each violation */
export type Rule = (evidence: Evidence) => string[];

/** The record after each event, by `seq`; nothing where the journal does not fold. */
export function states({ events }: JobEvidence): Map<number, JobRecord> {
  const found = new Map<number, JobRecord>();
  let record: JobRecord | undefined;
  try {
    for (const event of events) {
      record = apply(record, event);
      found.set(event.seq, record);
    }
  } catch {
    // The rule about journals tells it.
  }
  return found;
}

/** True for an end of ours that a late report may amend. */
export function isAmendable({ status, reason }: { status?: string; reason?: string | undefined }): boolean {
  return status === 'failed' && AMENDABLE.includes(reason ?? '');
}

/** Who was told what, for a sentence. */
export function said({ who, call, began, token }: Told): string {
  const at = new Date(began).toISOString().slice(11, 23);
  return `${call}${token === undefined ? '' : ` "${token.slice(0, 40)}"`} of ${who} at ${at}`;
}

/** What another home was told says nothing of this one. */
export function isOurs({ who }: Told): boolean {
  return !who.startsWith('second home');
}
