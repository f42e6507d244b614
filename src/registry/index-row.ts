import { setImmediate as nextTurn } from 'node:timers/promises';
import { isJobId } from '../base/ids.ts';
import { hasTexts, isText, mayHaveTexts } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { cleanLine } from '../base/text.ts';
import { openRequest } from '../job/open-request.ts';
import { isOwner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import type { JobRow } from '../job/row.ts';
import { lastWords, standingOf } from '../job/standing.ts';
import { isLinePending, isWakePending } from '../job/wake.ts';
import { isFinal, STATUSES, type Status } from '../job/words.ts';
import { readForeign } from '../trust/files.ts';
import type { Mark } from './mark.ts';
import { readOwnRecord } from './own-record.ts';
import { jobPaths } from './paths.ts';
import type { Seal } from './seal.ts';

/** A row with the session that `mine` compares to, and that session's key for the job. */
export interface IndexRow extends JobRow {
  owner: string;
  /** The owner's pane. */
  place?: string | undefined;
  request_key?: string | undefined;
  /** Its supervisor has asked to be notified, and has not been notified yet. */
  untold?: boolean | undefined;
  /** The state of the journal that it was made from. */
  journal?: Mark | undefined;
  /** The same for the `replica.json` of the copy of another host's job. */
  replica?: Mark | undefined;
}

/** Fields of a row that are texts if present. */
const MAYBE = [
  ...['reason', 'blocked_by', 'blocked_what', 'blocked_step', 'detail', 'session', 'pane', 'final_at'],
  ...['open_request', 'open_request_id', 'last_sign_of_life_at', 'from', 'host', 'work'],
  ...['place', 'request_key', 'journal', 'replica', 'profile'],
];
const DETAIL_CHARS = 200;
/** A million jobs have an index of this size, in bytes. */
const MAX_INDEX_BYTES = 512 * 1024 * 1024;
/** Lines handled between two turns of the event loop, some ms each. */
const STEP = 2_000;

/** A row of a list from a job's record. */
export function toRow(record: JobRecord): JobRow {
  const words = lastWords(record);
  const request = openRequest(record);
  return {
    job_id: record.job_id,
    agent: record.agent,
    ...(record.profile !== undefined && { profile: record.profile }),
    ...standingOf(record),
    from: record.supervisor.host,
    ...(record.after && record.after.length > 0 && { after: record.after }),
    prompt_preview: record.prompt_preview,
    detail: words === undefined ? undefined : cleanLine(words, DETAIL_CHARS),
    session: record.agent_session?.session,
    pane: record.agent_session?.pane,
    ...(request && {
      open_request: cleanLine(request.text, DETAIL_CHARS),
      open_request_id: request.request_id,
    }),
    created_at: record.created_at,
    final_at: record.final_at,
    late: record.late,
    last_sign_of_life_at: record.last_sign_of_life_at,
    ...(record.usage && { usage: record.usage }),
  };
}

export interface ListFilter {
  status?: string | undefined;
  agent?: string | undefined;
  /** Only the jobs of this client session, and of the pane that it lives in. */
  session?: string | undefined;
  place?: string | undefined;
  open_only?: boolean | undefined;
  /** Only the jobs that need attention. */
  needs_you?: boolean | undefined;
  /** Only the jobs whose supervisor has yet to be notified. */
  untold?: boolean | undefined;
  /** Only these jobs. */
  among?: ReadonlySet<string> | undefined;
}

/** The states of the files that a record was folded from. */
export interface Sources {
  journal: Mark | undefined;
  replica?: Mark | undefined;
}

/** The same for the index. */
export function toIndexRow(record: JobRecord, { journal, replica }: Sources): IndexRow {
  const { supervisor, request_key } = record;
  const { session: owner, place } = supervisor;
  const untold = isWakePending(record) || undefined;
  return { ...toRow(record), owner, place, request_key, untold, journal, replica };
}

/** The row of a job whose journal can't be read, as far as its record proves it. */
export function rowFromRecord(registryDir: string, jobId: string, seal: Seal): IndexRow | undefined {
  const record = readOwnRecord(jobPaths(registryDir, jobId), jobId, seal);
  return record && toIndexRow(record, { journal: undefined });
}

export function matches(row: IndexRow, filter: ListFilter): boolean {
  return (
    (filter.status === undefined || row.status === filter.status) &&
    (filter.agent === undefined || isFor(row, filter.agent.toLowerCase())) &&
    (filter.session === undefined ||
      isOwner(
        { session: row.owner, place: row.place, host: row.from },
        { session: filter.session, place: filter.place },
      )) &&
    (filter.needs_you !== true || row.needs_you === true) &&
    (filter.untold !== true || row.untold === true) &&
    (filter.open_only !== true || !isFinal(row.status as Status)) &&
    (filter.among?.has(row.job_id) ?? true)
  );
}

/** True for a job that was delegated to this kind, or to this profile of one. @param name in lower case */
function isFor({ agent, profile }: IndexRow, name: string): boolean {
  return agent.toLowerCase() === name || profile?.toLowerCase() === name;
}

/** True if an event changed neither the job's row nor what is left to do for it. */
export function isUnchanged(before: JobRecord, after: JobRecord): boolean {
  return (
    before.status === after.status &&
    before.reason === after.reason &&
    before.phase === after.phase &&
    before.blocked_by === after.blocked_by &&
    before.held_up === after.held_up &&
    before.blocked_what === after.blocked_what &&
    before.behind?.needs === after.behind?.needs &&
    before.usage === after.usage &&
    before.merged === after.merged &&
    before.discarded === after.discarded &&
    isLinePending(before) === isLinePending(after)
  );
}

/** The id that signs a row. No job has such an id, so no journal line passes for a row. */
export function signerOf({ job_id: id }: JobRow): string {
  return `row ${id}`;
}

/** The rows of an index file that this seal proves, by job, and the number of its lines. */
export async function readRows(
  path: string,
  seal: Seal | undefined,
): Promise<{ known: Map<string, IndexRow>; lines: number }> {
  const known = new Map<string, IndexRow>();
  const text = orElse(() => readForeign(path, MAX_INDEX_BYTES), undefined);
  if (text === undefined) return { known, lines: 0 };
  let lines = 0;
  for (const line of text.split('\n')) {
    if (++lines % STEP === 0) await nextTurn();
    try {
      const row: unknown = JSON.parse(line);
      if (!isRow(row) || seal?.open(signerOf(row), line) === undefined) continue;
      const { mac: _, ...shown } = row as IndexRow & { mac?: unknown };
      known.set(row.job_id, shown);
    } catch {
      // The last line of a hub that was killed, or the empty one at the end.
    }
  }
  return { known, lines };
}

/** True for a value whose fields have the types of a row: the file may have come with a clone. */
function isRow(value: unknown): value is IndexRow {
  return (
    hasTexts(value, ['job_id', 'agent', 'status', 'phase', 'prompt_preview', 'created_at', 'owner']) &&
    isJobId(String(value['job_id'])) &&
    (STATUSES as readonly unknown[]).includes(value['status']) &&
    mayHaveTexts(value, MAYBE) &&
    (value['after'] === undefined || (Array.isArray(value['after']) && value['after'].every(isText)))
  );
}
