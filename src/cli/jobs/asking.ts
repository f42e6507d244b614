import { MamError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell.ts';
import { cleanLine } from '../../base/text.ts';
import { openCheckRequest } from '../../job/check.ts';
import { openRequests } from '../../job/open-requests.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { waitsInItsPane } from '../../view/job.ts';

export type Decision = 'allow' | 'deny';

const NAMED_JOBS = 5;
const ABOUT_CHARS = 160;

/** True for a job that waits for a text: its peer has asked a question, or its turn has ended without a report. */
export function asksForText(record: JobRecord): boolean {
  if (record.attention.includes('turn_ended')) return true;
  return openQuestion(record) !== undefined;
}

/** What a job's peer asks now: the question that a text answers. */
export function openQuestion(record: JobRecord): PeerRequest | undefined {
  const check = openCheckRequest(record)?.request_id;
  return openRequests(record, 'question').find(({ request_id }) => request_id !== check);
}

/** What a job asks a decision about now: permissions, or whether its work counts without its check. */
export function decidable(record: JobRecord): PeerRequest[] {
  const check = openCheckRequest(record);
  return [...openRequests(record, 'permission'), ...(check === undefined ? [] : [check])];
}

/**
 * The only job that asks.
 * @param commandFor the complete command for each, if several ask
 * @throws MamError `conflict` when none asks, `bad_input` when several do
 */
export function onlyAsking(
  asking: readonly JobRecord[],
  what: string,
  commandFor: (record: JobRecord) => string,
): JobRecord {
  const [only, ...more] = asking;
  if (only === undefined)
    throw new MamError('conflict', `No open job here ${what} now.`, 'mam list shows the jobs.');
  if (more.length === 0) return only;
  const left = asking.length - NAMED_JOBS;
  const lines = asking.slice(0, NAMED_JOBS).map((job) => `\n  ${commandFor(job)}`);
  const others = left > 0 ? `\n  … and ${left} more: mam list --needs-you` : '';
  throw new MamError(
    'bad_input',
    `${asking.length} jobs ${what.replace(/^(\w+)s /, '$1 ').replace(/^ha /, 'have ')} now.`,
    `Run one of these:${lines.join('')}${others}`,
  );
}

/**
 * The request that a decision is for: the one that is open at this moment.
 * @throws MamError `conflict` when none is open, or none that can be decided from here; `bad_input` when several are
 */
export function openDecision(record: JobRecord, decision: Decision): PeerRequest {
  const { job_id } = record;
  if (waitsInItsPane(record))
    throw new MamError(
      'conflict',
      `Job ${job_id} waits at a dialog that can only be answered in its pane.`,
      `Run: mam attach ${job_id}`,
    );
  const [request, ...more] = decidable(record);
  if (request === undefined) {
    const { status, reason } = record;
    throw new MamError(
      'conflict',
      `Job ${job_id} asks for no decision now: it is ${status}${reason === undefined ? '' : ` (${reason})`}.`,
      `\`mam status ${job_id}\` shows it.`,
    );
  }
  if (more.length === 0) return request;
  const lines = [request, ...more].map(
    (one) => `\n  mam ${decision} ${job_id} --request ${shellWord(one.request_id)} # ${aboutOf(one)}`,
  );
  throw new MamError(
    'bad_input',
    `Job ${job_id} asks for ${more.length + 1} decisions at once.`,
    `Run one of these:${lines.join('')}`,
  );
}

/** What a request is about, on one line. */
export function aboutOf({ text }: PeerRequest): string {
  return cleanLine(text, ABOUT_CHARS);
}
