import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { openRequests } from '../../job/open-requests.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';

const SHOWN_CHARS = 160;

/** A request in a few words, for an answer or a refusal. */
export function inFewWords({ text }: PeerRequest): string {
  return cleanLine(text, SHOWN_CHARS);
}

/**
 * The open permission request that a decision is meant for.
 * @param wanted its id; without one it must be the only one there ever was, since nothing says which of several was shown
 * @throws MamError `conflict` when none is open, or another one by now; `not_found` when none ever had that id
 */
export function meantPermission(record: JobRecord, wanted: string | undefined): PeerRequest {
  const { job_id: jobId, requests, blocked_by } = record;
  const open = openRequests(record, 'permission');
  const [next] = open;
  const all = requests.filter(({ kind }) => kind === 'permission');
  const found = open.find(({ request_id: id }) => id === (wanted ?? all[0]?.request_id));
  if (found !== undefined && (wanted !== undefined || all.length === 1)) return found;
  const before = requests.find(({ kind, request_id: id }) => kind === 'permission' && id === wanted);
  const unknown = `Job ${jobId} has no permission request with this request_id`;
  if (next === undefined && blocked_by === 'dialog' && all.length === 0) {
    throw conflict(
      `Job ${jobId} waits behind a dialog that appeared before its order was typed: it is not a request of this job.`,
      'A person must answer it in the pane.',
    );
  }
  if (next === undefined) {
    throw conflict(
      wanted !== undefined && before === undefined
        ? `${unknown}, and no other request is open.`
        : `Job ${jobId} has no open permission request; it may have been answered in its pane.`,
      'Look at job_status; wait_job reports the next one.',
    );
  }
  const answerIt = `${inFewWords(next)}. If you mean that, answer with request_id "${next.request_id}".`;
  if (wanted === undefined) {
    throw conflict(
      `Job ${jobId} has asked for more than one permission, and it is not known which one you were shown. Nothing was decided.`,
      `This one is open now: ${answerIt}`,
    );
  }
  if (before === undefined) {
    throw new MamError('not_found', `${unknown}. Nothing was decided.`, `This one is open now: ${answerIt}`);
  }
  throw conflict(
    `The request that you were shown (${inFewWords(before)}) is no longer open: ${before.decision ?? 'settled'}. Nothing was decided.`,
    `Another one is open now: ${answerIt}`,
  );
}

/** The error for something that can't be done in the current state. */
export function conflict(what: string, hint: string): MamError {
  return new MamError('conflict', what, hint);
}
