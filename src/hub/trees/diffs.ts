import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { shellWord } from '../../base/shell.ts';
import { cleanAll, cleanLine, someOf } from '../../base/text.ts';
import { differenceOf } from '../../git/diff.ts';
import { placeOf, tipOf } from '../../git/place.ts';
import { movedTo } from '../../git/repository.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import type { JobChanges } from '../../job/changes.ts';
import type { JobRecord, Worktree } from '../../job/record.ts';
import type { DiffFile, DiffPage, DiffParams, DiffResult } from '../../operations/diff.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { gitEnvironment } from './job-tree.ts';

/** One page of git's words, in bytes: as base64 and with the rest of an answer it fits into a message of 64 KiB. */
const PAGE_BYTES = 24 * 1024;
/** Room for the names of files in the first page, in bytes. */
const NAMES_BYTES = 12 * 1024;
/** How long (ms) the rest of a long one is kept for whoever reads it. */
const KEPT_MS = 120_000;
/** How many long ones are kept at once: each takes at most 64 MiB. */
const MOST_KEPT = 4;
const NAMED = 5;
const NAME_CHARS = 120;

/** What is compared, and what to know about it. */
interface Source {
  base: string;
  folder?: string;
  commit?: string;
  branch?: string | undefined;
  /** Where git is asked. */
  at: string;
  notes: string[];
}

/** Shows what jobs have changed, page by page. */
export class Diffs {
  readonly #registrar: Registrar;
  readonly #kept = new Map<string, { text: Buffer; timer: NodeJS.Timeout }>();

  constructor(registrar: Registrar) {
    this.#registrar = registrar;
  }

  /**
   * What a job has changed, or a later page of that.
   * @throws MamError `refused` for a job that works in no git folder, `not_found` if its work is gone, or its page
   */
  async diff(params: DiffParams): Promise<DiffResult | DiffPage> {
    const { job_id, registry_dir, page, offset = 0, stat = false, exact = false, columns } = params;
    const { record } = await this.#registrar.findOwn(job_id, registry_dir);
    if (page !== undefined) return this.#later(page, offset);
    const how = gitEnvironment();
    const { at, notes, base, folder, commit, branch } = await sourceOf(record, how);
    const compared = { folder: at, from: base, to: commit };
    const { files, text, nested } = await differenceOf(compared, { stat, exact, columns }, how);
    if (nested.length > 0) {
      const names = someOf(
        nested.map((name) => cleanLine(name, NAME_CHARS)),
        NAMED,
      );
      notes.push(`What is in ${names} is not shown: git keeps a repository of its own there.`);
    }
    return {
      ...{ record, base, folder, commit, branch, notes },
      ...{ files: fittingFiles(files), files_total: files.length },
      ...this.#first(text),
    };
  }

  /** Forgets what was kept. */
  stop(): void {
    for (const id of this.#kept.keys()) this.#forget(id);
  }

  #first(text: Buffer): DiffPage {
    const size = text.length;
    if (size <= PAGE_BYTES) return { data: text.toString('base64'), size };
    const page = randomUUID();
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#forget(oldest);
    const timer = setTimeout(() => this.#forget(page), KEPT_MS).unref();
    this.#kept.set(page, { text, timer });
    return this.#later(page, 0);
  }

  #later(page: string, offset: number): DiffPage {
    const kept = this.#kept.get(page);
    if (kept === undefined)
      throw new MamError('not_found', 'The rest of this difference is no longer kept.', 'Ask for it again.');
    kept.timer.refresh();
    const { text } = kept;
    const data = text.subarray(offset, offset + PAGE_BYTES);
    const next = offset + data.length;
    const size = text.length;
    if (next >= size) this.#forget(page);
    return { data: data.toString('base64'), size, ...(next < size && { page, next_offset: next }) };
  }

  #forget(page: string): void {
    clearTimeout(this.#kept.get(page)?.timer);
    this.#kept.delete(page);
  }
}

/** What a job's work is compared with, and where it is. */
async function sourceOf(record: JobRecord, how: GitEnvironment): Promise<Source> {
  const { worktree, changes } = record;
  if (worktree !== undefined) return ofWorktree(record, worktree, how);
  if (changes?.start?.head !== undefined) return ofFolder(changes, changes.start.head, how);
  if (changes !== undefined)
    throw new MamError(
      'unavailable',
      `It is not known at which commit job ${record.job_id} began: ${changes.unknown ?? 'there was none'}.`,
      `\`git -C ${shellWord(changes.top)} diff\` shows what is not committed there.`,
    );
  throw new MamError(
    'refused',
    `Job ${record.job_id} works in no git folder, or has never begun, so there is nothing to compare.`,
    `\`mam logs ${record.job_id}\` shows what it has reported.`,
  );
}

/** The folder as it is now, compared with the commit at which the job began; if HEAD has gone on since, the commit at its end. */
async function ofFolder({ top, end }: JobChanges, base: string, how: GitEnvironment): Promise<Source> {
  if (!existsSync(top)) throw new MamError('not_found', `The folder ${top} is gone, and the work with it.`);
  const place = await placeOf(top, how);
  const ended = end?.head;
  const asked = `\`git -C ${shellWord(top)} diff ${base}\` shows all of it.`;
  if (ended !== undefined && place?.head !== ended)
    return {
      ...{ base, commit: ended, branch: end?.branch, at: top },
      notes: [`Its folder has gone on since: this is what was committed when it ended. ${asked}`],
    };
  const whose =
    'Whatever else is not committed in its folder is shown as well: git does not know who changed it.';
  return { base, folder: top, branch: place?.branch, at: top, notes: [whose] };
}

/** The worktree as it is now; once that is gone, its branch. */
async function ofWorktree(record: JobRecord, tree: Worktree, how: GitEnvironment): Promise<Source> {
  const moved = await movedTo(tree, how);
  if (moved !== undefined) return ofWorktree(record, { ...tree, folder: moved }, how);
  const { base, folder, branch, repository } = tree;
  const place = existsSync(folder) ? await placeOf(folder, how) : undefined;
  if (place !== undefined && isSamePlace(place.repository, repository) && isSamePlace(place.top, folder)) {
    const on = place.branch ?? 'no branch';
    const notes = place.branch === branch ? [] : [`The worktree is on ${on}, and no longer on ${branch}.`];
    return { base, folder, branch: place.branch, at: folder, notes };
  }
  if (!existsSync(repository))
    throw new MamError('not_found', `The repository ${repository} is gone, and the work with it.`);
  const { discarded, merged } = record;
  const tip = await tipOf(repository, branch, how);
  const commit = tip ?? discarded?.commit ?? merged?.commit;
  if (commit === undefined)
    throw new MamError(
      'not_found',
      `The worktree ${folder} and its branch ${branch} are gone.`,
      'If someone has deleted the branch, `git reflog` may still have its commits.',
    );
  const where = tip === undefined ? `Its branch ${branch} is gone as well: this is what it had` : '';
  const gone = discarded === undefined ? 'is gone' : 'was removed';
  const notes = [`The worktree ${folder} ${gone}. ${where || `This is what ${branch} has`}.`];
  return { base, commit, branch, at: repository, notes };
}

function fittingFiles(files: readonly DiffFile[]): DiffFile[] {
  let left = NAMES_BYTES;
  const clean = cleanAll(files) as DiffFile[];
  return clean.filter((file) => {
    left -= Buffer.byteLength(JSON.stringify(file)) + 1;
    return left >= 0;
  });
}
