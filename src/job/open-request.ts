import { isAboutCheck, openCheckRequest } from './check.ts';
import { isAnsweredInPane } from './in-pane.ts';
import { openRequests } from './open-requests.ts';
import type { JobRecord, PeerRequest } from './record.ts';

type Asking = Pick<JobRecord, 'requests'>;

/** The open request that a job needs an answer to now: decisions come before questions. A final job needs none. */
export function openRequest(record: Asking & Partial<Pick<JobRecord, 'final_at'>>): PeerRequest | undefined {
  const open = record.final_at === undefined ? openRequests(record) : [];
  return open.find(({ kind }) => kind === 'permission') ?? open.find(isAboutCheck) ?? open[0];
}

/**
 * What a job asks a decision about: permissions, or whether its work counts without its check. A dialog that can only be
 * answered in its pane is none.
 */
export function openDecisions(record: Asking): PeerRequest[] {
  const check = openCheckRequest(record);
  const permissions = openRequests(record, 'permission').filter((request) => !isAnsweredInPane(request));
  return [...permissions, ...(check === undefined ? [] : [check])];
}

/** True for a job that waits for a text: its peer has asked a question, or its turn has ended without a report. */
export function asksForText(record: Asking & Pick<JobRecord, 'attention'>): boolean {
  return record.attention.includes('turn_ended') || openQuestion(record) !== undefined;
}

/** What a job's peer asks: the question that a text answers. */
export function openQuestion(record: Asking): PeerRequest | undefined {
  return openRequests(record, 'question').find((request) => !isAboutCheck(request));
}
