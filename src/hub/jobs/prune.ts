import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { explain, MamError } from '../../base/errors.ts';
import { isJobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { clean, cleanLine } from '../../base/text.ts';
import { isSettled } from '../../job/apply.ts';
import { isHeld } from '../../job/held.ts';
import { isLost, LOST } from '../../job/home-state.ts';
import { isSessionLeft } from '../../job/new-session.ts';
import type { Worktree } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import { isFinal, type Status } from '../../job/words.ts';
import type { PruneParams, PruneResult } from '../../operations/housekeeping.ts';
import { foldJob } from '../../registry/fold.ts';
import type { JobIndex } from '../../registry/job-index.ts';
import { jobPaths } from '../../registry/paths.ts';
import { contentsOf, emptyTrash } from '../../registry/trash.ts';
import type { Registrar } from './registrar.ts';

/** Jobs in each list of an answer: the bus takes 64 KiB at most, and others are served between two requests. */
const JOBS_AT_ONCE = 100;
const WHY_CHARS = 300;
/** How long (ms) this may run before other work gets its turn. */
const TURN_MS = 5;
const SHOWN_FILES = 3;
const BUSY = 'It is being written to now.';
/** How long (ms) the last event of a job may take to be published, and the pause between two looks. */
const PUBLISHED_MS = 5_000;
const NEXT_LOOK_MS = 20;

/** A job that is old enough, but still has its worktree. */
interface WithTree {
  tree: Worktree;
}

/** What happens to one job: its entry when pruned, or why it is kept; undefined when it is too young. */
type Outcome = PruneResult['pruned'][number] | string | undefined;

/**
 * Removes the worktree of a job, if other branches have all that is in it.
 * @throws MamError with what keeps it
 */
export type DropTree = (job: { job_id: string; registry_dir: string; dry_run: boolean }) => Promise<unknown>;

/**
 * Removes some of the final jobs that ended before a time, oldest first. A job whose files can't be read completely, or
 * whose folder holds other files, is kept and named, and so is one whose worktree has what no other branch has; separate
 * log folders are never touched.
 * @returns the cursor for the next part
 * @throws MamError `bad_input` for a bad time or cursor, `io` and `conflict` when the registry can't be written, or is away
 */
export async function pruneJobs(
  { registrar, log, dropTree }: { registrar: Registrar; log: Log; dropTree: DropTree },
  params: PruneParams,
): Promise<PruneResult> {
  const { registry_dir: dir, dry_run: dry = false } = params;
  const before = Date.parse(params.before);
  if (Number.isNaN(before)) throw new MamError('bad_input', '`before` is not a time.', 'Use ISO 8601.');
  const result: PruneResult = { pruned: [], kept: [] };
  registrar.missing.checkThere(dir);
  // A dry run must not create a registry.
  if (!existsSync(dir)) return result;
  const index = await registrar.index(dir);
  const behind = parseCursor(params.cursor);
  if (behind === undefined) result.kept.push(...(await unlisted(dir, index)));
  const pruneOne = async (id: string): Promise<Outcome> => {
    const first = prune(registrar, dir, id, before, dry, true);
    if (!isWithTree(first)) return first;
    const { folder } = first.tree;
    try {
      await dropTree({ job_id: id, registry_dir: dir, dry_run: dry });
    } catch (error) {
      return explain(error);
    }
    // Something may have been reported meanwhile, and that the worktree was removed is still being published.
    let last = prune(registrar, dir, id, before, dry, false);
    for (const end = performance.now() + PUBLISHED_MS; last === BUSY && performance.now() < end; ) {
      await pause(NEXT_LOOK_MS);
      last = prune(registrar, dir, id, before, dry, false);
    }
    return typeof last === 'object' && !isWithTree(last) ? { ...last, worktree: folder } : explained(last);
  };
  let turnEnds = performance.now() + TURN_MS;
  for (const row of index.inOrder(behind)) {
    if (isFull(result)) break;
    const waiter = waiterFor(registrar, row.job_id);
    const outcome = !mayBeOld(row, before)
      ? undefined
      : waiter === undefined
        ? await pruneOne(row.job_id)
        : `Job ${waiter}, which is not handed over yet, comes after it.`;
    if (typeof outcome === 'string')
      result.kept.push({ job_id: row.job_id, why: cleanLine(outcome, WHY_CHARS) });
    else if (outcome !== undefined) result.pruned.push(outcome);
    result.cursor = `${row.created_at} ${row.job_id}`;
    if (performance.now() < turnEnds) continue;
    await nextTurn();
    turnEnds = performance.now() + TURN_MS;
  }
  if (!isFull(result)) delete result.cursor;
  if (!dry) {
    index.remove(new Set(result.pruned.map(({ job_id }) => job_id)));
    await emptyTrash(dir).catch((error) => log.error(`the trash of ${dir} was not emptied`, error));
  }
  return result;
}

/** A job that still waits for others, this one among them: it may need its result. */
function waiterFor(registrar: Registrar, jobId: string): string | undefined {
  return registrar.open.find(({ record }) => isHeld(record) && record.after?.includes(jobId) === true)?.id;
}

/** Runs in one turn of the event loop: nothing may arrive for the job between the check and the removal. */
function prune(
  registrar: Registrar,
  dir: string,
  jobId: string,
  before: number,
  dry: boolean,
  asksTree: boolean,
): Outcome | WithTree {
  // It was removed by hand.
  if (!existsSync(jobPaths(dir, jobId).folder)) return undefined;
  try {
    const { record, damage, replica } = foldJob(dir, jobId);
    // Nobody knows how a lost job ended: that alone does not keep its copy.
    const known = isLost(record) ? replica?.damage : undefined;
    const unread = damage.find((sentence) => known?.includes(sentence) !== true);
    if (unread !== undefined) return unread;
    const { status, final_at } = record;
    if (!(isSettled(record) || isLost(record)) || final_at === undefined || !(Date.parse(final_at) < before))
      return undefined;
    if (isSessionLeft(record))
      return `Its session ${record.new_session?.name} may still be running: look at the job, or end it with mam stop.`;
    const { bytes, foreign } = contentsOf(dir, jobId);
    if (foreign[0] !== undefined) {
      const names = foreign.slice(0, SHOWN_FILES).map(clean).join(', ');
      const more = foreign.length > SHOWN_FILES ? ', …' : '';
      return `Its folder holds files that mam did not create: ${names}${more}. Move them away.`;
    }
    const { worktree: tree, discarded } = record;
    // That of a job of another host is there.
    const hasTree = tree !== undefined && discarded === undefined && replica === undefined;
    if (asksTree && hasTree && existsSync(tree.folder)) return { tree };
    if (!dry && !registrar.removal.remove(dir, jobId)) return BUSY;
    return { job_id: jobId, status: isLost(record) ? LOST : status, final_at, bytes };
  } catch (error) {
    return explain(error);
  }
}

function isWithTree(outcome: Outcome | WithTree): outcome is WithTree {
  return typeof outcome === 'object' && 'tree' in outcome;
}

function explained(outcome: Outcome | WithTree): Outcome {
  return isWithTree(outcome) ? undefined : outcome;
}

function isFull({ pruned, kept }: PruneResult): boolean {
  return pruned.length >= JOBS_AT_ONCE || kept.length >= JOBS_AT_ONCE;
}

/** Judges by the row alone, so that the files of young jobs need not be read. */
function mayBeOld({ status, reason, final_at }: JobRow, before: number): boolean {
  return (
    (isFinal(status as Status) || reason === LOST) &&
    (final_at === undefined || Date.parse(final_at) < before)
  );
}

/** The folders that must be jobs but can't be read. */
async function unlisted(dir: string, index: JobIndex): Promise<PruneResult['kept']> {
  const kept: PruneResult['kept'] = [];
  for (const name of await readdir(dir)) {
    if (!isJobId(name) || index.has(name) || kept.length >= JOBS_AT_ONCE) continue;
    const { journal, record } = jobPaths(dir, name);
    if (!existsSync(journal) && !existsSync(record)) continue;
    kept.push({ job_id: name, why: cleanLine(whyUnread(dir, name), WHY_CHARS) });
  }
  return kept;
}

function whyUnread(dir: string, jobId: string): string {
  try {
    foldJob(dir, jobId);
    return 'It is not in the list of jobs yet.';
  } catch (error) {
    return error instanceof MamError && error.code === 'not_found'
      ? 'Its journal is missing.'
      : explain(error);
  }
}

function parseCursor(cursor: string | undefined): { created_at: string; job_id: string } | undefined {
  if (cursor === undefined) return undefined;
  const [created_at, job_id] = cursor.split(' ');
  if (created_at !== undefined && job_id !== undefined && isJobId(job_id)) return { created_at, job_id };
  throw new MamError('bad_input', 'The cursor is not one of ours.', 'Leave it out to start over.');
}
