import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { JobRow } from '../job/request.ts';
import { cleanLine } from '../job/text.ts';

const DETAIL_CHARS = 300;
const LIST_CHARS = 50;

/** A job's state in a word or two. */
export function stateText({ status, reason, blocked_by: by, phase }: JobRecord): string {
  if (reason !== undefined) return `${status} (${reason})`;
  if (by !== undefined) return `${status} (blocked by ${by})`;
  return phase === 'validating' ? `${status} (validating)` : status;
}

/** One line for an event: when, who, what. */
export function eventText(event: RecordedEvent): string {
  const time = event.recorded_at.slice(11, 23);
  const words = event.detail ?? evidenceOf(event);
  const late = event.late === true ? ' (late)' : '';
  const text = words === undefined ? '' : `  ${cleanLine(words, DETAIL_CHARS)}`;
  return `${time}  ${event.source.padEnd(10)} ${event.type}${late}${text}`;
}

/** The record for a person's eyes. */
export function recordText(record: JobRecord): string {
  const session = record.agent_session;
  const lines: [string, string | undefined][] = [
    ['job', record.job_id],
    ['status', stateText(record)],
    [
      'agent',
      session === undefined ? record.agent : `${record.agent} in tmux:${session.session} ${session.pane}`,
    ],
    ['prompt', record.prompt_preview],
    ['words', record.detail === undefined ? undefined : cleanLine(record.detail, DETAIL_CHARS)],
    ['result', record.result === undefined ? undefined : cleanLine(record.result, DETAIL_CHARS)],
    ['files', record.files?.join(', ')],
    ['validation', validationText(record)],
    ['output', record.validation?.passed === false ? record.validation.output_tail?.trim() : undefined],
    ['task', `${record.registry_dir}/${record.job_id}/prompt.md`],
    ['workdir', record.workdir],
    ['created', record.created_at],
    ['final', record.final_at],
    ['log', record.log_dir],
  ];
  return lines
    .filter((line): line is [string, string] => line[1] !== undefined)
    .map(([name, value]) => `${name.padEnd(11)}${cleanLine(value, 1_000)}`)
    .join('\n');
}

/** A table of jobs. */
export function listText(rows: JobRow[]): string {
  const width = Math.max(...rows.map((row) => row.job_id.length));
  return rows
    .map((row) => {
      const state = row.reason === undefined ? row.status : `${row.status}:${row.reason}`;
      return `${row.job_id.padEnd(width)}  ${state.padEnd(24)}  ${row.agent.padEnd(12)}  ${row.created_at.slice(0, 19)}  ${cleanLine(row.prompt_preview, LIST_CHARS)}`;
    })
    .join('\n');
}

function validationText({ validation }: JobRecord): string | undefined {
  if (validation === undefined) return undefined;
  if (validation.passed === undefined) return validation.script;
  return `${validation.passed ? 'PASS' : `FAIL (exit ${validation.exit_code})`} ${validation.script}`;
}

function evidenceOf(event: RecordedEvent): string | undefined {
  const { passed, decision, exit_code: code } = event.data ?? {};
  if (typeof passed === 'boolean') return passed ? 'PASS' : `FAIL (exit ${String(code)})`;
  if (typeof decision === 'string' && event.type === 'answered') return decision;
  const evidence = event.data?.['evidence'] ?? event.data?.['by'];
  return typeof evidence === 'string' ? evidence : undefined;
}
