import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { explain } from '../../base/errors.ts';
import { orElse } from '../../base/or-else.ts';
import { byWait, RANKS, rankOf } from '../../job/rank.ts';
import type { JobRow } from '../../job/row.ts';
import { awayListError } from '../../registry/away.ts';
import { type Home, readPointers, readRegistries } from '../../registry/home.ts';
import type { ListFilter } from '../../registry/index-row.ts';
import { JobIndex } from '../../registry/job-index.ts';
import { byTime } from '../../registry/ordered-rows.ts';
import { projectFolderOf } from '../../registry/paths.ts';
import { Seal } from '../../registry/seal.ts';

/** A job with the registry that has it. */
export type PlacedRow = JobRow & { registry_dir: string };

interface AllJobs {
  rows: PlacedRow[];
  /** In all projects, regardless of the filter. */
  total: number;
  needYou: number;
  projects: number;
  /** There are more that match. */
  more: boolean;
  /** A sentence for each registry that could not be read. */
  unread: string[];
}

/**
 * The jobs of all registries that hubs of this home have written, read from the files: those that need someone, the one
 * that has waited longest first; then the other open ones and the rest, each newest first.
 * @param here a registry to look at too
 */
export async function jobsOfAllProjects(
  home: Home,
  here: string,
  filter: ListFilter,
  limit: number,
): Promise<AllJobs> {
  const live = orElse(() => readPointers(home), []).map(({ registryDir }) => registryDir);
  const seal = Seal.existing(home);
  const all: AllJobs = { rows: [], total: 0, needYou: 0, projects: 0, more: false, unread: [] };
  for (const dir of new Set([here, ...readRegistries(home), ...live])) {
    try {
      const index = existsSync(dir) ? await JobIndex.load(dir, seal) : undefined;
      const away = awayListError(home, dir, (index?.size ?? 0) === 0);
      if (away !== undefined) all.unread.push(away.message);
      if (index === undefined || index.size === 0) continue;
      const { rows, cursor } = index.page(filter, limit);
      all.rows.push(...rows.map((row) => ({ ...row, registry_dir: dir })));
      all.total += index.size;
      all.needYou += index.needYou;
      all.projects += 1;
      all.more ||= cursor !== undefined;
    } catch (error) {
      all.unread.push(`The registry ${dir} cannot be read: ${explain(error)}`);
    }
  }
  const place = (row: JobRow): number => RANKS.indexOf(rankOf(row));
  const within = (a: JobRow, b: JobRow): number => (a.needs_you === true ? byWait(a, b) : byTime(b, a));
  all.rows.sort((a, b) => place(a) - place(b) || within(a, b));
  all.more ||= all.rows.length > limit;
  return { ...all, rows: all.rows.slice(0, limit) };
}

/** The name of each row's project: its folder's, or its path where two have the same. */
export function projectNames(rows: readonly PlacedRow[]): string[] {
  const paths = new Map(rows.map(({ registry_dir: dir }) => [dir, projectFolderOf(dir)]));
  const names = [...new Set(paths.values())].map((path) => basename(path));
  return rows.map(({ registry_dir: dir }) => {
    const path = paths.get(dir) ?? dir;
    const isOnly = names.filter((name) => name === basename(path)).length === 1;
    return isOnly ? basename(path) : path;
  });
}
