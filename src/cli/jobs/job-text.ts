import { clean, cleanLine } from '../../base/text.ts';
import { agentWords } from '../../job/agent-words.ts';
import { needsAttention } from '../../job/apply.ts';
import { isUndecided, verdictWords } from '../../job/check.ts';
import { dataOf, type RecordedEvent } from '../../job/event.ts';
import { LOST } from '../../job/home-state.ts';
import { SCRIPT_CHANGED } from '../../job/messages.ts';
import { openRequest } from '../../job/open-request.ts';
import type { JobRecord } from '../../job/record.ts';
import { type Standing, standingOf } from '../../job/standing.ts';
import type { EarlierJob } from '../../operations/status.ts';
import { jobPaths, taskFile } from '../../registry/paths.ts';
import { changesLine } from '../../view/changes.ts';
import { evidenceWords } from '../../view/event-words.ts';
import { copyText, fromHost, hostWords } from '../../view/home.ts';
import { nextStep } from '../../view/next-step.ts';
import { obstacleText } from '../../view/summary.ts';
import { dayAndTime, timeOfDay } from '../../view/times.ts';
import { canBeResumed, usageOfJob } from '../../view/usage.ts';
import { hasWork, worktreeText } from '../../view/worktree.ts';
import { paint } from '../core/output.ts';
import type { Cell } from '../core/table.ts';
import { checkOutput } from './check-output.ts';

const DETAIL_CHARS = 300;
const FIELD_WIDTH = 11;

type State = Pick<Standing, 'status' | 'reason' | 'blocked_by' | 'needs_you' | 'work'>;

/** A text in the colour of a job's status, on a terminal. */
export function inStatusColour({ status, needs_you, reason }: State, text: string): string {
  if (reason === LOST) return paint('dim', text);
  if (status === 'completed') return paint('green', text);
  if (status === 'failed') return paint('red', text);
  if (status === 'input_required' || needs_you === true) return paint('yellow', text);
  return status === 'cancelled' ? paint('dim', text) : paint('cyan', text);
}

export function stateText(job: JobRecord): string {
  const standing = standingOf(job);
  const { reason, blocked_by: by, behind, phase } = standing;
  // No agent works on a person's job.
  const status =
    job.agent === 'human' && standing.status === 'working' && phase !== 'validating'
      ? 'yours'
      : standing.status;
  const kept = by === undefined ? undefined : behind ? `behind ${behind.job_id}` : `blocked by ${by}`;
  const shown = reason ?? kept ?? (phase === 'validating' ? phase : undefined);
  return inStatusColour(standing, shown === undefined ? status : `${status} (${shown})`);
}

/** One line for an event: when, who, what. */
export function eventText(event: RecordedEvent): string {
  const time = timeOfDay(event.recorded_at);
  const { what, by: obstacle } = dataOf(event);
  const by = event.type === 'blocked' ? obstacle : undefined;
  const said = event.detail ?? evidenceWords(event);
  const words = by !== undefined && said !== by ? `${by}: ${said}` : said;
  const late = event.late === true ? ' (late)' : '';
  const about = what === undefined ? '' : `  (${cleanLine(what, DETAIL_CHARS)})`;
  const text = words === undefined ? '' : `  ${cleanLine(words, DETAIL_CHARS)}`;
  return `${paint('dim', time)}  ${event.source.padEnd(10)} ${event.type}${late}${about}${text}`;
}

/** The record for a person, in local time. @param earlier the jobs that it comes after */
export function recordText(record: JobRecord, earlier: readonly EarlierJob[] = []): string {
  const { agent_session: session, validation } = record;
  const place = session === undefined ? '' : ` in tmux:${clean(session.session)} ${session.pane}`;
  const attention = needsAttention(record) || record.blocked_by !== undefined;
  const rows: [string, string | undefined][] = [
    ['job', record.job_id],
    ['status', stateText(record)],
    ['host', hostWords(record)],
    ['', copyText(record)],
    ['blocked', obstacleText(record)],
    ['after', earlier.map(earlierText).join(', ')],
    ['seen', optionally(record.blocked_evidence)],
    ['asks', attention ? optionally(openRequest(record)?.text) : undefined],
    ['decision', attention ? decisionText(record) : undefined],
    ['next', attention || canBeResumed(record) || hasWork(record) ? nextStep(record) : undefined],
    ['agent', agentWords(record) + place],
    ['from', fromHost(record)],
    ['prompt', optionally(record.prompt_preview)],
    ['detail', optionally(record.detail)],
    ['result', record.result && clean(record.result).trim()],
    ['full text', record.result_file],
    ['files', there(record, record.files?.map(clean).join(', '))],
    ['changed', there(record, changesLine(record))],
    ['work', there(record, worktreeText(record))],
    [
      'validation',
      validation && there(record, [verdictText(validation), validation.script].filter(Boolean).join(' ')),
    ],
    [
      'output',
      checkOutput(record, FIELD_WIDTH)
        .map((line) => line.slice(FIELD_WIDTH))
        .join('\n'),
    ],
    ['used', usageOfJob(record)],
    ['task', taskFile(record, jobPaths(record.registry_dir, record.job_id))],
    ['workdir', there(record, clean(record.workdir))],
    ['created', dayAndTime(record.created_at)],
    ['final', record.final_at && dayAndTime(record.final_at)],
    ['log', record.log_dir],
  ];
  return fieldsText(rows, FIELD_WIDTH);
}

/** Paths, marked as those of the machine that the job runs on, if it is another one. */
export function there({ home }: JobRecord, paths: string | undefined): string | undefined {
  return !paths || home === undefined ? paths : `${paths} (on ${clean(home.host)})`;
}

/** Fields that have a value, a line each. Later lines of a value are indented, so that none looks like a field. */
export function fieldsText(
  rows: readonly [name: string, value: string | undefined][],
  width: number,
  inColour = (name: string) => name,
): string {
  return rows
    .flatMap(([name, value]) =>
      value ? [inColour(name.padEnd(width)) + value.replaceAll('\n', `\n${' '.repeat(width)}`)] : [],
    )
    .join('\n');
}

export function stateCell(job: State): Cell {
  const { status, reason, blocked_by, work } = job;
  const more = reason ?? blocked_by ?? work;
  return {
    text: more === undefined ? status : `${status}:${more}`,
    shown: (text) => inStatusColour(job, text),
  };
}

/** The verdict of a validation, in the wording of the script that mam replaced; undefined while there is none. */
export function verdictText(validation: NonNullable<JobRecord['validation']>): string | undefined {
  const verdict = verdictWords(validation);
  if (isUndecided(validation)) return `${verdict}  ${cleanLine(validation.problem ?? '', DETAIL_CHARS)}`;
  return verdict && verdict + (validation.script_changed === true ? ` ${SCRIPT_CHANGED}.` : '');
}

/** The decision that was passed to the agent, while nothing shows yet that it has taken effect. */
function decisionText(record: JobRecord): string | undefined {
  const { decision, decided_by: by } = openRequest(record) ?? {};
  return decision && `${decision}, by the ${by ?? 'supervisor'}; no effect seen yet`;
}

function optionally(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cleanLine(text, DETAIL_CHARS);
}

function earlierText({ job_id, status, reason }: EarlierJob): string {
  return clean(`${job_id} (${reason === undefined ? status : `${status}: ${reason}`})`);
}
