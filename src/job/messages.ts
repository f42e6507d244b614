import { cleanLine } from '../base/text.ts';
import type { RecordedEvent } from './event.ts';
import type { JobRecord } from './record.ts';

const QUESTION_CHARS = 120;

/** Why a job fails when its script is no longer the one that it was delegated with. */
export const SCRIPT_CHANGED = 'The validation script was changed since the job was delegated';

/**
 * What to do after asking, until the answer arrives.
 * @param type of the report; @param human the id of a job for a person, to whom nothing is ever typed
 * @returns undefined for a report that asks nothing
 */
export function untilAnswered(type: string, human?: string): string | undefined {
  if (type !== 'question' && type !== 'permission_required') return undefined;
  const [it, asked, rest] =
    type === 'question'
      ? ['answer', 'question', 'Until the answer arrives, do nothing that depends on it.']
      : ['decision', 'request', 'It is not allowed yet: do not do it before the decision.'];
  const way =
    human === undefined
      ? `The ${it} is typed into your pane once you are idle, or comes with the answer to a later report: end your turn, or go on with what does not depend on it.`
      : `The ${it} will be in the job's record: \`mam status ${human}\`.`;
  return `${rest} ${way} A report before the ${it} arrives withdraws the ${asked}.`;
}

/** Leaves a message for a job's peer, which gets it with the answer to its next report, or typed when it is idle. */
export function leaveMessage(next: JobRecord, text: string): void {
  next.messages = [...next.messages, text];
}

/** The peer has reported: the answer to its report carries the pending messages. */
export function giveMessages(next: JobRecord, event: RecordedEvent): void {
  // A report whose sender waits for no answer (one line of mosquitto_pub, one from the outbox) can carry nothing back.
  const isPeers = event.source === 'peer' || (event.source === 'person' && next.agent === 'human');
  if (!isPeers || event.unheard === true || next.messages.length === 0) return;
  next.messages_given = { seq: event.seq, messages: next.messages };
  next.messages = [];
  delete next.messages_announced;
}

/** The messages that the answer to a recorded event carries; the same ones when the event is sent again. */
export function messagesFor(record: JobRecord, seq: number): string[] {
  return record.messages_given?.seq === seq ? record.messages_given.messages : [];
}

/** The peer's message with an answer to its question, or with an instruction that it did not ask for. */
export function answerMessage(record: JobRecord, event: RecordedEvent, question: string | undefined): string {
  const words = wholeText(record, event);
  return question === undefined
    ? `A message from whoever delegated this job: ${words}`
    : `The answer to your question "${cleanLine(question, QUESTION_CHARS)}": ${words}`;
}

/** The peer's message with the decision on a permission that it asked for in a report. */
export function decisionMessage(asked: string, decision: string): string {
  return `You asked for permission ("${cleanLine(asked, QUESTION_CHARS)}"). The decision: ${decision}.`;
}

/** The peer's message when the check of its result has failed and it may try again. */
export function failedCheckMessage(record: JobRecord): string {
  const { validation } = record;
  if (validation === undefined) return '';
  const round = `${validation.rounds} of ${(validation.max_rounds ?? 0) + 1}`;
  return (
    `Your result did not pass the check (run ${round}: ${validation.script} ended with exit code ${validation.exit_code ?? 'unknown'}). ` +
    `Fix it, then report completed again. The end of its output: ${(validation.output_tail ?? '').trim() || '(nothing)'}`
  );
}

/** The file with an event's long text; the journal has only the beginning. */
export function textFile(
  { registry_dir, job_id }: JobRecord,
  { texts }: RecordedEvent,
  field: 'detail' | 'result',
): string | undefined {
  return texts?.[field] && `${registry_dir}/${job_id}/texts/${texts[field]}`;
}

function wholeText(record: JobRecord, event: RecordedEvent): string {
  const file = textFile(record, event, 'detail');
  return `${event.detail ?? ''}${file ? ` … (continued in ${file})` : ''}`;
}
