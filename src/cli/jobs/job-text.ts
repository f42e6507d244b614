import { clean, cleanLine } from '../../base/text.ts';
import { needsAttention } from '../../job/apply.ts';
import { isUndecided, verdictWords } from '../../job/check.ts';
import { dataOf, type RecordedEvent } from '../../job/event.ts';
import { SCRIPT_CHANGED } from '../../job/messages.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import { type Standing, standingOf } from '../../job/standing.ts';
import { evidenceWords } from '../../view/event-words.ts';
import { openRequest } from '../../view/job.ts';
import { obstacleText } from '../../view/needs.ts';
import { nextStep } from '../../view/next-step.ts';
import { isTerminal, paint } from '../core/output.ts';
import { type Cell, tableText } from '../core/table.ts';
import { dayAndTime, spanText, timeOfDay } from '../core/times.ts';

const DETAIL_CHARS = 300;
const AGENT_CHARS = 50;
const PROMPT_CHARS = 80;
const FIELD_WIDTH = 11;
/** Further lines of a value stand in its column: none of them passes for a field. */
const BELOW = `\n${' '.repeat(FIELD_WIDTH)}`;

type State = Pick<Standing, 'status' | 'reason' | 'blocked_by' | 'needs_you'>;

/** A text in the colour of a job's status, on a terminal. */
export function inStatusColour({ status, needs_you }: State, text: string): string {
  if (status === 'completed') return paint('green', text);
  if (status === 'failed') return paint('red', text);
  if (status === 'input_required' || needs_you === true) return paint('yellow', text);
  return status === 'cancelled' ? paint('dim', text) : paint('cyan', text);
}

/** A job's state in a word or two. */
export function stateText(job: JobRecord): string {
  const standing = standingOf(job);
  const { status, reason, blocked_by: by, behind, phase } = standing;
  const kept = by === undefined ? undefined : behind ? `behind ${behind.job_id}` : `blocked by ${by}`;
  const more = reason ?? kept;
  const shown = more ?? (phase === 'validating' ? phase : undefined);
  return inStatusColour(standing, shown === undefined ? status : `${status} (${shown})`);
}

/** One line for an event: when, who, what. */
export function eventText(event: RecordedEvent): string {
  const time = timeOfDay(event.recorded_at);
  const by = event.type === 'blocked' ? dataOf(event).by : undefined;
  const said = event.detail ?? evidenceWords(event);
  const words = by !== undefined && said !== by ? `${by}: ${said}` : said;
  const late = event.late === true ? ' (late)' : '';
  const text = words === undefined ? '' : `  ${cleanLine(words, DETAIL_CHARS)}`;
  return `${paint('dim', time)}  ${event.source.padEnd(10)} ${event.type}${late}${text}`;
}

/** The record for a person's eyes; its times are this machine's. */
export function recordText(record: JobRecord): string {
  const session = record.agent_session;
  const attention = needsAttention(record) || record.blocked_by !== undefined;
  const lines: [string, string | undefined][] = [
    ['job', record.job_id],
    ['status', stateText(record)],
    ['waits', obstacleText(record)],
    [
      'seen',
      record.blocked_evidence === undefined ? undefined : cleanLine(record.blocked_evidence, DETAIL_CHARS),
    ],
    ['asks', attention ? optionally(openRequest(record)?.text) : undefined],
    ['given', attention ? givenText(record) : undefined],
    ['do', attention ? nextStep(record) : undefined],
    [
      'agent',
      session === undefined
        ? clean(record.agent)
        : `${clean(record.agent)} in tmux:${clean(session.session)} ${session.pane}`,
    ],
    ['prompt', optionally(record.prompt_preview)],
    ['words', optionally(record.detail)],
    ['result', record.result === undefined ? undefined : clean(record.result).trim()],
    ['whole', record.result_file],
    ['files', record.files?.map(clean).join(', ')],
    ['validation', validationText(record)],
    [
      'output',
      record.validation?.passed === false ? clean(record.validation.output_tail ?? '').trim() : undefined,
    ],
    ['task', `${record.registry_dir}/${record.job_id}/prompt.md`],
    ['workdir', clean(record.workdir)],
    ['created', dayAndTime(record.created_at)],
    ['final', record.final_at && dayAndTime(record.final_at)],
    ['log', record.log_dir],
  ];
  return lines
    .filter((line): line is [string, string] => line[1] !== undefined && line[1] !== '')
    .map(([name, value]) => `${name.padEnd(FIELD_WIDTH)}${value.replaceAll('\n', BELOW)}`)
    .join('\n');
}

/** A job's state in a column of a table. */
export function stateCell(job: State): Cell {
  const { status, reason, blocked_by } = job;
  const more = reason ?? blocked_by;
  return {
    text: more === undefined ? status : `${status}:${more}`,
    shown: (text) => inStatusColour(job, text),
  };
}

/** A table of jobs: on a terminal with their age, elsewhere with the time of this machine. */
export function listText(rows: readonly JobRow[], now = Date.now()): string {
  const when = ({ created_at: at }: JobRow): string =>
    isTerminal() ? spanText(now - Date.parse(at)) : dayAndTime(at);
  return tableText(
    ['JOB', 'STATUS', 'AGENT', 'AGE', 'PROMPT'],
    rows.map((row) => [
      row.job_id,
      stateCell(row),
      cleanLine(row.agent, AGENT_CHARS),
      when(row),
      cleanLine(row.prompt_preview, PROMPT_CHARS),
    ]),
  );
}

/** What a validation came to, as the replaced script said it. */
export function verdictText(validation: NonNullable<JobRecord['validation']>): string | undefined {
  const { script_changed } = validation;
  const why = script_changed === true ? ` ${SCRIPT_CHANGED}.` : '';
  if (isUndecided(validation)) {
    return `${verdictWords(validation)}  ${cleanLine(validation.problem ?? '', DETAIL_CHARS)}`;
  }
  const verdict = verdictWords(validation);
  return verdict && verdict + why;
}

function validationText({ validation }: JobRecord): string | undefined {
  if (validation === undefined) return undefined;
  const verdict = verdictText(validation);
  return verdict === undefined ? validation.script : `${verdict} ${validation.script}`;
}

/** What the agent was given as decision, while nobody has seen that it counts. */
function givenText(record: JobRecord): string | undefined {
  const { decision, decided_by: by } = openRequest(record) ?? {};
  return decision && `${decision}, by the ${by ?? 'supervisor'}; not seen to count yet`;
}

function optionally(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cleanLine(text, DETAIL_CHARS);
}
