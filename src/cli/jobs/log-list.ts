import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../base/folders.ts';
import { isJobId } from '../../base/ids.ts';
import type { JobRecord } from '../../job/record.ts';
import { foldJob } from '../../registry/fold.ts';
import { homePaths } from '../../registry/home.ts';
import { JobIndex } from '../../registry/job-index.ts';
import { hasJob, jobPaths } from '../../registry/paths.ts';
import { readRecord } from '../../registry/record-file.ts';
import { Seal } from '../../registry/seal.ts';
import type { Settings } from '../../settings/config.ts';
import { tableText } from '../core/table.ts';
import { dayAndTime } from '../core/times.ts';
import { stateCell } from './job-text.ts';

/** A log folder in the list. */
export interface LogRow extends Pick<JobRecord, 'job_id' | 'created_at' | 'log_dir'> {
  status: string;
  reason?: string | undefined;
  final_at?: string | undefined;
}

/**
 * The log folders of the registry's jobs, the newest first, and those of jobs that are in no registry any more.
 * @returns also how many there are in all
 */
export async function listLogs(
  { registryDir, logsDir, home }: Pick<Settings, 'registryDir' | 'logsDir' | 'home'>,
  limit: number,
): Promise<{ rows: LogRow[]; total: number }> {
  const seal = Seal.existing(homePaths(home));
  const index = existsSync(registryDir) ? await JobIndex.load(registryDir, seal) : undefined;
  const known = (index?.page({}, limit).rows ?? []).map((row) => ({
    job_id: row.job_id,
    status: row.status,
    reason: row.reason,
    created_at: row.created_at,
    final_at: row.final_at,
    log_dir: readRecord(jobPaths(registryDir, row.job_id).record)?.log_dir ?? join(registryDir, row.job_id),
  }));
  const left = logsDir === undefined || logsDir === registryDir ? [] : leftIn(logsDir, registryDir);
  const rows = [...known, ...left.slice(0, limit).flatMap((id) => rowOf(logsDir ?? '', id))]
    .sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0))
    .slice(0, limit);
  return { rows, total: (index?.size ?? 0) + left.length };
}

/** A table of log folders; its times are this machine's. */
export function logListText(rows: readonly LogRow[]): string {
  return tableText(
    ['JOB', 'STATUS', 'CREATED', 'LOG'],
    rows.map((row) => [row.job_id, stateCell(row), dayAndTime(row.created_at), row.log_dir]),
    { whole: true },
  );
}

/** The jobs of a folder of logs that are in the registry no more, those that were written last first. */
function leftIn(logsDir: string, registryDir: string): string[] {
  const writtenAt = (id: string): number => statSync(jobPaths(logsDir, id).journal).mtimeMs;
  return namesIn(logsDir)
    .filter((name) => isJobId(name) && hasJob(logsDir, name) && !hasJob(registryDir, name))
    .map((id) => ({ id, at: writtenAt(id) }))
    .sort((a, b) => b.at - a.at)
    .map(({ id }) => id);
}

function rowOf(logsDir: string, id: string): LogRow[] {
  try {
    const { job_id, status, reason, created_at, final_at } = foldJob(logsDir, id).record;
    return [{ job_id, status, reason, created_at, final_at, log_dir: join(logsDir, id) }];
  } catch {
    // A copy that was cut is no row; `mam logs ID` says what is wrong with it.
    return [];
  }
}
