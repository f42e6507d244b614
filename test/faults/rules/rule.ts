import { apply } from '../../../src/job/apply.ts';
import type { JobRecord } from '../../../src/job/record.ts';
import { AMENDABLE } from '../../../src/job/words.ts';
import type { Evidence, JobEvidence, Told } from '../evidence.ts';

/** Checks the evidence. @returns a sentence for each violation */
export type Rule = (evidence: Evidence) => string[];

/** The record after each event, by `seq`; empty if the journal does not fold. */
export function states({ events }: JobEvidence): Map<number, JobRecord> {
  const found = new Map<number, JobRecord>();
  let record: JobRecord | undefined;
  try {
    for (const event of events) {
      record = apply(record, event);
      found.set(event.seq, record);
    }
  } catch {
    // The rule about journals reports it.
  }
  return found;
}

/** True for our own end of a job that a late report may amend. */
export function isAmendable({ status, reason }: { status?: string; reason?: string | undefined }): boolean {
  return status === 'failed' && AMENDABLE.includes(reason ?? '');
}

/** Who received what, for a sentence. */
export function said({ who, call, began, token }: Told): string {
  const at = new Date(began).toISOString().slice(11, 23);
  return `${call}${token === undefined ? '' : ` "${token.slice(0, 40)}"`} of ${who} at ${at}`;
}

/** Answers from another home say nothing about this one. */
export function isOurs({ who }: Told): boolean {
  return !who.startsWith('second home');
}
