import { clean, cleanAll, cleanLine, sliceUnits } from '../base/text.ts';
import { needsAttention } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import { reasonOf } from '../job/home-state.ts';
import { isAnsweredInPane } from '../job/in-pane.ts';
import { LIMITS } from '../job/limits.ts';
import { openRequest } from '../job/open-request.ts';
import { isOpen } from '../job/open-requests.ts';
import type { JobRecord, PeerRequest } from '../job/record.ts';
import type { JobRow } from '../job/row.ts';
import { lastWords, standingOf } from '../job/standing.ts';
import { isFinal } from '../job/words.ts';
import { changesText, changesView } from './changes.ts';
import { decisionWords } from './event-words.ts';
import type { EventRow } from './shapes.ts';

/** Lengths in characters: a whole answer stays under 20,000. */
const ROW_TEXT = 100;
const EVENT_TEXT = 500;
/** Room for the long texts of one job in a list, in characters. */
const BRIEF_TEXTS = 6_000;
const FILES_ROOM = 3_000;
const SHOWN_REQUESTS = 5;
/** A job id has 64 characters at most. */
const ID_TEXT = 64;
const WHOLE = { files: Number.POSITIVE_INFINITY, requests: 1_000, text: Number.POSITIVE_INFINITY };

/** A row of the hub's list, with each text sanitized and on one line. */
export function listRow(row: JobRow) {
  const lines = Object.entries(row).map(([name, field]) => [
    name,
    typeof field === 'string' ? cleanLine(field, Number.POSITIVE_INFINITY) : field,
  ]);
  return {
    ...(Object.fromEntries(lines) as JobRow),
    prompt_preview: cleanLine(row.prompt_preview, ROW_TEXT),
    detail: row.detail === undefined ? undefined : cleanLine(row.detail, ROW_TEXT),
    ...(row.usage && { usage: cleanAll(row.usage) }),
    ...(row.after && { after: row.after.map((id) => cleanLine(id, ID_TEXT)) }),
    open_request: row.open_request === undefined ? undefined : cleanLine(row.open_request, ROW_TEXT),
  };
}

/** The same with sanitized texts; undefined for a final job. */
export function openRequestView(record: JobRecord): PeerRequest | undefined {
  return cleanAll(openRequest(record));
}

/** True when a job waits at a dialog that is not a permission request, and can only be answered in its pane. */
export function waitsInItsPane(record: Pick<JobRecord, 'requests' | 'reason'>): boolean {
  const open = openRequest(record);
  return record.reason === 'permission' && open !== undefined && isAnsweredInPane(open);
}

/** At most `most` requests, in their order: the oldest open ones, then the newest of the others. */
function shownRequests(requests: readonly PeerRequest[], most: number): PeerRequest[] {
  const chosen = new Set(requests.filter(isOpen).slice(0, most));
  for (const request of [...requests].reverse()) if (chosen.size < most) chosen.add(request);
  return requests.filter((request) => chosen.has(request));
}

/** A record on one level, sanitized. @param room how many characters its long texts may have together */
export function brief(record: JobRecord, room = BRIEF_TEXTS) {
  const request = openRequest(record);
  const each = Math.floor(room / 4);
  const { outcome, problem, passed, exit_code, output_tail, script_changed } = record.validation ?? {};
  return cleanAll({
    job_id: record.job_id,
    agent: record.agent,
    profile: record.profile,
    session: record.agent_session?.session,
    pane: record.agent_session?.pane,
    prompt_preview: cleanLine(record.prompt_preview, Math.min(each, ROW_TEXT)),
    detail: optionally(lastWords(record), each),
    created_at: record.created_at,
    final_at: record.final_at,
    ...standingOf(record),
    home: record.home,
    open_request: optionally(request?.text, each),
    open_request_id: request?.request_id,
    result: optionally(record.result, each),
    result_file: record.result_file,
    files: fittingFiles(record.files, each),
    changed: optionally(record.changes && changesText(record.changes), each),
    ...(record.overlaps && { overlaps: record.overlaps.map(({ job_id }) => job_id) }),
    ...(record.validation && {
      validation: {
        outcome,
        problem: optionally(problem, each),
        passed,
        exit_code,
        output_tail: optionally(output_tail, each),
        script_changed,
      },
    }),
    usage: record.usage,
    late: record.late,
    last_sign_of_life_at: record.last_sign_of_life_at,
  });
}

/** As many jobs as fit, and how many do not: first those that need attention, then those that have ended. */
export function briefs(
  records: readonly JobRecord[],
  room: number,
): { jobs: ReturnType<typeof brief>[]; left_out: number } {
  const urgency = (record: JobRecord): number =>
    needsAttention(record) ? 0 : isFinal(record.status) ? 1 : 2;
  const ordered = [...records].sort((a, b) => urgency(a) - urgency(b));
  const share = Math.max(400, Math.floor(room / Math.max(1, ordered.length)));
  const texts = Number.isFinite(room) ? Math.min(BRIEF_TEXTS, share) : room;
  const jobs: ReturnType<typeof brief>[] = [];
  let left = room;
  for (const record of ordered) {
    const job = brief(record, texts);
    left -= JSON.stringify(job).length;
    if (left < 0 && jobs.length > 0) break;
    jobs.push(job);
  }
  return { jobs, left_out: ordered.length - jobs.length };
}

/** Fields that only the hub needs, of a record and of its validation. */
export const HIDDEN = [
  ...(['agent_process', 'typing', 'wake_seq', 'peer_server', 'notifying', 'notified_episode'] as const),
  ...(['held_up', 'lineage', 'usage_before', 'over_budget_at'] as const),
  ...(['prepares', 'prepared', 'starting_at', 'task_sha256', 'target'] as const),
] as const;
export const SCRIPT_SURROUNDINGS = ['path', 'path_sha256', 'virtual_env'] as const;

function without<T extends object, K extends keyof T>(whole: T, names: readonly K[]): Omit<T, K> {
  const rest: Partial<T> = { ...whole };
  for (const name of names) delete rest[name];
  return rest as Omit<T, K>;
}

/** A whole record, sanitized, without what only the hub needs. @param cut false for a reader without a limit */
export function jobView(record: JobRecord, cut = true) {
  const shown = without(record, HIDDEN);
  const { notify, validation } = record;
  const request = openRequest(record);
  const room = cut ? { files: FILES_ROOM, requests: SHOWN_REQUESTS, text: EVENT_TEXT } : WHOLE;
  const files = fittingFiles(record.files, room.files);
  return cleanAll({
    ...shown,
    host: record.home?.host ?? record.host,
    reason: reasonOf(record),
    needs_you: standingOf(record).needs_you,
    session: record.agent_session?.session,
    pane: record.agent_session?.pane,
    open_request: optionally(request?.text, room.text),
    open_request_id: request?.request_id,
    prompt_preview: clean(record.prompt_preview),
    detail: optionally(record.detail, LIMITS.detailChars),
    result: optionally(record.result, LIMITS.resultPreviewChars),
    files,
    ...(files !== undefined &&
      files.length !== record.files?.length && { files_total: record.files?.length }),
    requests: shownRequests(record.requests, room.requests).map((request) => ({
      ...request,
      text: cleanLine(request.text, room.text),
    })),
    ...(record.changes && { changes: changesView(record.changes) }),
    ...(notify && { notify: { pane: notify.pane, agent: notify.agent } }),
    ...(validation && {
      validation: {
        ...without(validation, SCRIPT_SURROUNDINGS),
        output_tail: optionally(validation.output_tail, LIMITS.detailChars),
      },
    }),
  });
}

function fittingFiles(files: string[] | undefined, room: number): string[] | undefined {
  if (files === undefined) return undefined;
  let left = room;
  return files.map(clean).filter((file) => {
    left -= file.length + 3;
    return left >= 0;
  });
}

/** Events for an answer, oldest first, as many as fit into `room` characters, and at least one. */
export function eventRows(events: readonly RecordedEvent[], room: number) {
  const rows: EventRow[] = [];
  let left = room;
  for (const event of events) {
    const { seq, job_id, type, source, recorded_at, late } = event;
    const words = event.detail ?? decisionWords(event);
    const detail = words === undefined ? undefined : cleanLine(words, EVENT_TEXT);
    const row = cleanAll({ seq, job_id, type, source, recorded_at, late, detail });
    left -= JSON.stringify(row).length;
    if (left < 0 && rows.length > 0) break;
    rows.push(row);
  }
  return rows;
}

function optionally(text: string | undefined, max: number): string | undefined {
  return text === undefined ? undefined : sliceUnits(clean(text), 0, max);
}
