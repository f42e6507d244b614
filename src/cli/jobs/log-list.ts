import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../base/folders.ts';
import { isJobId } from '../../base/ids.ts';
import type { JobRow } from '../../job/row.ts';
import { foldJob } from '../../registry/fold.ts';
import { homePaths } from '../../registry/home.ts';
import { JobIndex } from '../../registry/job-index.ts';
import { hasJob, jobPaths } from '../../registry/paths.ts';
import { readRecord } from '../../registry/record-file.ts';
import { Seal } from '../../registry/seal.ts';
import type { Settings } from '../../settings/config.ts';
import { dayAndTime } from '../../view/times.ts';
import { isTerminal, terminalColumns } from '../core/output.ts';
import { columnsBefore, tableText } from '../core/table.ts';
import { stateCell } from './job-text.ts';
import { stateOnScreen, widest } from './list-text.ts';
import { shortIds } from './short-ids.ts';

type LogRow = Pick<JobRow, 'job_id' | 'status' | 'reason' | 'created_at' | 'final_at'> & { log_dir: string };

/** The newest log folders, of jobs in the registry and of those no longer in it, and how many there are in all. */
export async function listLogs(
  { registryDir, logsDir, home }: Pick<Settings, 'registryDir' | 'logsDir' | 'home'>,
  limit: number,
): Promise<{ rows: LogRow[]; total: number }> {
  const seal = Seal.existing(homePaths(home));
  const index = existsSync(registryDir) ? await JobIndex.load(registryDir, seal) : undefined;
  const known = (index?.newest(limit) ?? []).map((row) => {
    const { record, folder } = jobPaths(registryDir, row.job_id);
    return rowOf(row, readRecord(record)?.log_dir ?? folder);
  });
  const left = logsDir === undefined || logsDir === registryDir ? [] : leftIn(logsDir, registryDir);
  const rows = [...known, ...left.slice(0, limit).flatMap((id) => copyOf(logsDir ?? '', id))]
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
    .slice(0, limit);
  return { rows, total: (index?.size ?? 0) + left.length };
}

/** The logs as a table. On a terminal that is too narrow for whole ids, a part that commands accept. */
export function logListText(rows: readonly LogRow[]): string {
  const ids = rows.map(({ job_id }) => job_id);
  const states = rows.map((row) => (isTerminal() ? stateOnScreen(row) : stateCell(row)));
  const times = rows.map(({ created_at }) => dayAndTime(created_at));
  const others = columnsBefore([widest(['STATUS', ...states]), widest(['CREATED', ...times])]);
  const shown = widest(ids) + others <= terminalColumns() ? ids : shortIds(ids);
  return tableText(
    ['JOB', 'STATUS', 'CREATED', 'LOG'],
    rows.map((row, at) => [shown[at] ?? row.job_id, states[at] ?? '', times[at] ?? '', row.log_dir]),
    { whole: true },
  );
}

/** The jobs of a folder of logs that are no longer in the registry, last written first. */
function leftIn(logsDir: string, registryDir: string): string[] {
  return namesIn(logsDir)
    .filter((name) => isJobId(name) && hasJob(logsDir, name) && !hasJob(registryDir, name))
    .map((id) => ({ id, at: statSync(jobPaths(logsDir, id).journal).mtimeMs }))
    .sort((a, b) => b.at - a.at)
    .map(({ id }) => id);
}

function copyOf(logsDir: string, id: string): LogRow[] {
  try {
    return [rowOf(foldJob(logsDir, id).record, join(logsDir, id))];
  } catch {
    // A truncated copy is left out; `mam logs ID` says what is wrong with it.
    return [];
  }
}

function rowOf(job: Omit<LogRow, 'log_dir'>, log_dir: string): LogRow {
  const { job_id, status, reason, created_at, final_at } = job;
  return { job_id, status, reason, created_at, final_at, log_dir };
}
