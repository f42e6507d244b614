import { isObject, parseJson } from '../../base/json.ts';
import { orElse } from '../../base/or-else.ts';
import type { DirtyFile } from '../../git/look.ts';
import type { JobChanges } from '../../job/changes.ts';
import { jobPaths } from '../../registry/paths.ts';
import { readText, writeText } from '../../registry/texts.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Seen } from './fit-changes.ts';

/** A job with more names has no file with all of them. */
const MOST_KEPT = 20_000;

/**
 * Keeps all names of a look, of which the record has only the first, in the job's `texts` folder.
 * @param names what is not worth a file if it is empty
 * @returns the text's hash; undefined if nothing is kept
 */
export async function keepNames(job: LiveJob, names: readonly unknown[] = []): Promise<string | undefined> {
  if (names.length === 0 || names.length > MOST_KEPT || job.isRetired) return undefined;
  try {
    job.checkPlace();
    return await writeText(job.paths.texts, JSON.stringify(names));
  } catch {
    // The record has the first names all the same.
    return undefined;
  }
}

/** What was seen at a job's start, with every file that was dirty then, as far as that is still known. */
export function seenAtStart({ record, paths }: LiveJob): Seen | undefined {
  const start = record.changes?.start;
  if (start === undefined) return undefined;
  const dirty = kept(paths.texts, start.names_sha256).filter(isDirtyFile);
  const known = start.dirty?.map(({ path, state }) => ({ path, state: state as DirtyFile['state'] }));
  return { at: start.at, head: start.head, branch: start.branch, dirty: dirty.length > 0 ? dirty : known };
}

/** The files that changed between a job's start and its end, as far as they are known. */
export function changedNames(registryDir: string, jobId: string, changes: JobChanges): string[] {
  const { names_sha256: hash, files = [], end } = changes;
  const all = kept(jobPaths(registryDir, jobId).texts, hash).filter((name) => typeof name === 'string');
  if (all.length > 0) return all;
  const dirty = end?.dirty?.filter(({ as_at_start: isOld }) => isOld !== true) ?? [];
  return [...new Set([...files, ...dirty].map(({ path }) => path))];
}

function kept(folder: string, hash: string | undefined): unknown[] {
  const text = hash === undefined ? undefined : orElse(() => readText(folder, hash), undefined);
  const names = text === undefined ? undefined : parseJson(text);
  return Array.isArray(names) ? names : [];
}

function isDirtyFile(one: unknown): one is DirtyFile {
  return isObject(one) && typeof one['path'] === 'string' && typeof one['state'] === 'string';
}
