import { maybe, part, text, truth, type Values } from '../base/fields.ts';
import { cleanLine } from '../base/text.ts';
import { needsAttention } from './apply.ts';
import { openCheckRequest } from './check.ts';
import { isHistory } from './history.ts';
import { reasonOf } from './home-state.ts';
import type { Behind, JobRecord } from './record.ts';

/** Room for the line that says why a check failed, in characters. */
const LINE_CHARS = 200;

/** The state of a job, as every list, board and page shows it. */
export const standing = {
  status: text('queued, working, input_required, completed, failed or cancelled'),
  reason: maybe(text('more about input_required or failed')),
  phase: text('delivery stage reached, or validating'),
  blocked_by: maybe(text('what blocks it, or a text for its peer')),
  needs_you: maybe(truth('true: it waits for someone')),
  blocked_what: maybe(text('messages or reminder: what is blocked, if not the order')),
  /** Only if looking into the pane does not help. */
  blocked_step: maybe(text('command that helps')),
  behind: maybe(part<Behind>('behind', 'the job that it waits for, which needs someone')),
  host: maybe(text('the other machine that it runs on')),
  work: maybe(text('merged or discarded')),
};
export type Standing = Values<typeof standing>;

/** The state of a record, for rows and for published events. */
export function standingOf(record: JobRecord): Standing {
  const { status, phase, blocked_by, blocked_what, blocked_step, behind, home } = record;
  const reason = reasonOf(record);
  const needs = needsAttention(record) && !isHistory(record);
  return {
    ...{ status, reason, phase, blocked_by },
    ...(needs && { needs_you: true }),
    ...{ blocked_what, blocked_step, behind },
    ...(home && { host: home.host }),
    ...(record.merged ? { work: 'merged' } : record.discarded && { work: 'discarded' }),
  };
}

/** The last words about a job: an open question about its check or the verdict, followed by what the peer has said. */
export function lastWords(
  record: Pick<JobRecord, 'requests' | 'detail' | 'reason' | 'validation'>,
): string | undefined {
  const ours = openCheckRequest(record)?.text ?? verdictOnWork(record);
  const { detail } = record;
  return ours === undefined || detail === undefined ? (ours ?? detail) : `${ours} The peer said: ${detail}`;
}

/** Why the work of a job was not accepted; undefined if it was, and for a changed script, which the detail explains. */
function verdictOnWork({ reason, validation }: Pick<JobRecord, 'reason' | 'validation'>): string | undefined {
  if (reason !== 'validation_failed' || validation === undefined) return undefined;
  if (validation.decision === 'deny')
    return `The work was not accepted: ${cleanLine(validation.problem ?? '', LINE_CHARS)}`;
  if (validation.script_changed === true) return undefined;
  const lines = (validation.output_tail ?? '').split('\n').map((line) => cleanLine(line, LINE_CHARS));
  const last = lines.findLast((line) => line !== '');
  const failed = `The check failed (exit ${validation.exit_code ?? 'unknown'})`;
  return last === undefined ? `${failed}.` : `${failed}: ${/[.!?…]$/.test(last) ? last : `${last}.`}`;
}
