import { wrap } from '../../base/columns.ts';
import { clean, cleanLine } from '../../base/text.ts';
import { agentWords } from '../../job/agent-words.ts';
import { verdictWords } from '../../job/check.ts';
import type { JobRecord } from '../../job/record.ts';
import { changesLine } from '../../view/changes.ts';
import { durations } from '../../view/durations.ts';
import { awayText, fromHost, hostWords } from '../../view/home.ts';
import { nextStep } from '../../view/next-step.ts';
import type { TimelineEntry } from '../../view/shapes.ts';
import { dayAndTime, dayOf, fineSpanText, timeOfDay } from '../../view/times.ts';
import { canBeResumed, usageOfJob } from '../../view/usage.ts';
import { hasWork } from '../../view/worktree.ts';
import { paint } from '../core/output.ts';
import { fieldsText, stateText, there } from './job-text.ts';

const TIME_WIDTH = '00:00:00.000'.length;
const TYPE_WIDTH = 'acknowledged'.length;
const MAKER_WIDTH = 24;
/** A text column stays at least this wide. */
const LEAST = 20;
const GAP = '  ';
const FIELD_WIDTH = 9;
/** Only the beginning of a longer text is shown, with the file that has all of it. */
const BLOCK_CHARS = 8_000;
const FAILURES = ['error', 'timeout', 'session_lost', 'delivery_failed'];
const ASKS = [
  ...['question', 'permission_required', 'rate_limited'],
  ...['stalled', 'delivery_unverified', 'blocked'],
];
const TALKS = ['progress', 'answered', 'reminded', 'turn_ended'];

/** Formats entries one after the other: remembers the last day and the width of the columns. */
export class TimelineText {
  readonly #width: number;
  readonly #byWidth: number;
  #day = '';

  /** @param width columns of the terminal; Infinity elsewhere */
  constructor({ agent, supervisor }: JobRecord, width: number) {
    this.#width = width;
    this.#byWidth = Math.min(
      MAKER_WIDTH,
      Math.max(`peer ${agent}`.length, `supervisor ${supervisor.client}`.length),
    );
  }

  /** An entry's lines, after a line for the day when that has changed. */
  entry(entry: TimelineEntry): string {
    const day = dayOf(entry.recorded_at);
    const head = day === this.#day ? [] : ['', paint('bold', day)];
    this.#day = day;
    const by = cleanLine(entry.by, this.#byWidth).padEnd(this.#byWidth);
    const maker = entry.source === 'hub' ? paint('dim', by) : by;
    const type = inColour(entry, entry.type.padEnd(TYPE_WIDTH));
    const start = [paint('dim', timeOfDay(entry.recorded_at)), maker, type];
    const column = TIME_WIDTH + this.#byWidth + TYPE_WIDTH + 3 * GAP.length;
    const room = Math.max(LEAST, this.#width - column);
    const words = [
      ...inline(entry).flatMap((part) => (part === '' ? [] : wrap(part, room))),
      ...blocks(entry).flatMap(([label, text]) => block(label, text, room)),
    ];
    // A type longer than its column has its words below it, so that all words stay in one column.
    const first = entry.type.length > TYPE_WIDTH ? '' : (words.shift() ?? '');
    const below = words.map((line) => `${' '.repeat(column)}${line}`);
    return [...head, [...start, first].join(GAP).trimEnd(), ...below].join('\n');
  }
}

export function headText(record: JobRecord): string {
  const { agent_session: session, supervisor } = record;
  const at = session === undefined ? '' : ` in tmux:${clean(session.session)} ${session.pane}`;
  const parent = record.parent_job_id === undefined ? '' : `, working on ${record.parent_job_id}`;
  const from = fromHost(record);
  const of = from === undefined ? '' : ` on ${from}`;
  return fields([
    ['job', paint('bold', record.job_id)],
    ['agent', `${agentWords(record)}${at}`],
    ['host', hostWords(record)],
    ['from', `${clean(supervisor.client)}${of}${supervisor.pane ? ` in ${supervisor.pane}` : ''}${parent}`],
    ['prompt', clean(record.prompt_preview)],
    ['workdir', there(record, clean(record.workdir))],
    ['validate', there(record, record.validation && clean(record.validation.script))],
    ['log', clean(record.log_dir)],
  ]);
}

/** How the job ended, or its state, and how long it took. @param now in ms since 1970 */
export function footText(record: JobRecord, now: number): string {
  const { queued, working, total } = durations(record, now);
  const times = [
    `queued ${fineSpanText(queued)}`,
    ...(working === undefined ? [] : [`with its peer ${fineSpanText(working)}`]),
    `${record.final_at === undefined ? 'so far' : 'total'} ${fineSpanText(total)}`,
  ];
  const late = record.late ? ', amended by a late report' : '';
  const end = record.final_at === undefined ? '' : `, ${dayAndTime(record.final_at)}`;
  return fields([
    [record.final_at === undefined ? 'now' : 'ended', `${stateText(record)}${late}${end}`],
    // No event says why a job has failed that its host never took.
    [
      'why',
      record.seq === 0 && record.status === 'failed' ? record.detail && clean(record.detail) : undefined,
    ],
    ['away', awayText(record)],
    ['took', times.join(', ')],
    ['result', record.result_file && clean(record.result_file)],
    ['files', there(record, record.files?.map(clean).join(', '))],
    ['changed', there(record, changesLine(record))],
    ['used', usageOfJob(record)],
    [
      'next',
      record.final_at === undefined || canBeResumed(record) || hasWork(record) ? nextStep(record) : undefined,
    ],
  ]);
}

function fields(rows: [string, string | undefined][]): string {
  return fieldsText(rows, FIELD_WIDTH, (name) => paint('dim', name));
}

/** The words of an entry; each part begins a line. */
function inline(entry: TimelineEntry): string[] {
  const { type, stage_ms: ms, evidence, detail, decision, about, blocked_by: by, script } = entry;
  const late = entry.late === true ? '(late) ' : '';
  const what = entry.what === undefined ? '' : `(${entry.what}) `;
  const stage = ms === undefined ? '' : `+${fineSpanText(ms)}  `;
  const words = (text: string): string => `${late}${what}${stage}${text}`.trimEnd();
  const verdict = verdictWords({ ...entry });
  // A verdict that asks whether to accept the work says so in its detail.
  if (verdict !== undefined && (entry.passed !== undefined || detail === undefined)) {
    const round = entry.round === undefined || entry.round === 1 ? '' : `, run ${entry.round}`;
    const since = detail === undefined ? '; the script was changed since the delegation' : `. ${detail}`;
    const changed = entry.script_changed === true ? since : '';
    return [words(`${verdict}${round}${type === 'verified' ? `  ${script ?? ''}` : ''}${changed}`)];
  }
  if (type === 'validating') return [words(script ?? '')];
  if (type === 'queued') return [words(entry.pane === undefined ? '' : `for ${entry.pane}`)];
  if (type === 'permission_required' && entry.tool !== undefined) return [words(entry.tool)];
  const decided = [decision, about].filter((text) => text !== undefined).join(': ');
  if (type === 'permission_resolved') return [words(decided), evidence ?? ''];
  if (decision !== undefined) return [words(decided), detail ?? evidence ?? ''];
  if (about !== undefined) return [words(detail ?? ''), `(to: ${about})`];
  return [words([by, detail ?? evidence].filter((text) => text !== undefined).join(': '))];
}

function blocks({ type, result, result_file, input, output_tail, files }: TimelineEntry): [string, string][] {
  const asked = type === 'permission_required' ? (result ?? input) : undefined;
  const rows: [string, string | undefined][] = [
    ['', asked],
    ['result', type === 'permission_required' ? undefined : cut(result, result_file)],
    ['output', output_tail?.trimEnd()],
    ['files', files?.join('\n')],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '');
}

function cut(text: string | undefined, file: string | undefined): string | undefined {
  if (text === undefined || text.length <= BLOCK_CHARS) return text?.trimEnd();
  const where = file === undefined ? 'mam logs --json shows all of it' : `all of it is in ${file}`;
  return `${text.slice(0, BLOCK_CHARS)}…\n(${text.length} characters; ${where})`;
}

function block(label: string, text: string, room: number): string[] {
  const head = label === '' ? '' : `${label}: `;
  const lines = wrap(text, Math.max(LEAST, room - head.length - 2));
  return lines.map((line, index) => {
    const start = index === 0 ? head : ' '.repeat(head.length);
    return `${paint('dim', `${start}│ `)}${line}`;
  });
}

function inColour({ type, passed }: TimelineEntry, text: string): string {
  if (type === 'completed' || passed === true) return paint('green', text);
  if (passed === false || FAILURES.includes(type)) return paint('red', text);
  if (ASKS.includes(type)) return paint('yellow', text);
  return TALKS.includes(type) ? text : paint('cyan', text);
}
