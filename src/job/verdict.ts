import { isAboutCheck, isUndecided } from './check.ts';
import { end, leaveCheck } from './effects.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { failedCheckMessage, leaveMessage } from './messages.ts';
import type { JobRecord } from './record.ts';
import { isMeant, openRequest, settleCheck } from './requests.ts';
import { isFinal } from './words.ts';

/** Applies the script's verdict, or asks about the work when there is none. */
export function judge(next: JobRecord, event: RecordedEvent): void {
  const data = dataOf(event);
  if (isUndecided(data)) {
    askAboutCheck(next, event);
    return;
  }
  const { passed = false, script_changed: changed = false, exit_code, output_tail } = data;
  if (next.validation) {
    next.validation = {
      ...next.validation,
      passed,
      outcome: passed ? 'passed' : 'failed',
      problem: undefined,
      // The run of a changed script does not count.
      rounds: next.validation.rounds + (changed && !passed ? 0 : 1),
      ...(exit_code !== undefined && { exit_code }),
      ...(output_tail !== undefined && { output_tail }),
      ...(changed && { script_changed: true }),
    };
  }
  if (event.detail !== undefined) next.detail = event.detail;
  if (passed) end(next, 'completed', event.recorded_at);
  else if (!changed && mayTryAgain(next)) sendBack(next);
  else end(next, 'failed', event.recorded_at, 'validation_failed');
}

/** Without a verdict whoever delegated the job decides. It is not the peer's fault, so it does not count as a round. */
function askAboutCheck(next: JobRecord, event: RecordedEvent): void {
  const { outcome, problem = event.detail ?? '', output_tail = '' } = dataOf(event);
  if (next.validation) {
    const { passed: _, exit_code: __, ...kept } = next.validation;
    next.validation = { ...kept, outcome, problem, output_tail };
  }
  // Nobody is asked about an ended job; another late report starts the check again.
  if (!isFinal(next.status)) openRequest(next, { ...event, type: 'question' });
  leaveCheck(next);
}

/** Applies a decision on work whose check had no verdict. @returns false if the event is not such a decision */
export function decideCheck(next: JobRecord, event: RecordedEvent): boolean {
  const { decision, request_id: wanted } = dataOf(event);
  const asked = next.requests.find((request) => isAboutCheck(request) && isMeant(request, wanted));
  if (asked === undefined || decision === undefined || wanted === undefined) return false;
  if (next.validation) next.validation = { ...next.validation, decision, decided_by: event.source };
  settleCheck(next, event, decision);
  if (decision === 'allow') end(next, 'completed', event.recorded_at);
  else end(next, 'failed', event.recorded_at, 'validation_failed');
  return true;
}

function mayTryAgain({ status, validation }: JobRecord): boolean {
  return !isFinal(status) && (validation?.rounds ?? 0) <= (validation?.max_rounds ?? 0);
}

/** Lets the peer continue, with the failed check as its next message. */
function sendBack(next: JobRecord): void {
  leaveCheck(next);
  leaveMessage(next, failedCheckMessage(next));
}
