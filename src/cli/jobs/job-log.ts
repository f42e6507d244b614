import { join } from 'node:path';
import { orElse } from '../../base/or-else.ts';
import { clean } from '../../base/text.ts';
import { type FoldedJob, foldJob } from '../../registry/fold.ts';
import { foldShown } from '../../registry/history.ts';
import { homePaths, readRegistries } from '../../registry/home.ts';
import { hasJob } from '../../registry/paths.ts';
import { wholeEvent } from '../../registry/texts.ts';
import type { Settings } from '../../settings/config.ts';
import { readForeign } from '../../trust/files.ts';
import { jobIdOf, noSuchJob } from './job-argument.ts';

/** A job as read from its files, with the whole texts of its events. */
export interface JobLog extends FoldedJob {
  /** True when only its separate log folder is left. */
  isCopy: boolean;
}

/**
 * Reads a job's audit log: from the registry, from another one that a hub has written, or else from its separate log
 * folder.
 * @throws MamError as `findJob`, `unavailable` for a journal that can't be read
 */
export function readJobLog(settings: Settings, ...given: (string | undefined)[]): JobLog {
  const { home, logsDir } = settings;
  let id = jobIdOf(settings, ...given);
  let dir = registryOf(settings, id);
  const isCopy = dir === undefined && logsDir !== undefined;
  if (isCopy) {
    id = jobIdOf({ registryDir: logsDir, home }, id);
    dir = hasJob(logsDir, id) ? logsDir : undefined;
  }
  if (dir === undefined) throw noSuchJob(settings, id);
  const folded = isCopy ? foldJob(dir, id) : foldShown(dir, id, homePaths(settings.home));
  const events = folded.events.map((event) => wholeEvent(event, folded.paths.texts, folded.replica?.home));
  return { ...folded, events, isCopy };
}

/** A job's whole id, and its registry. @throws MamError as `jobIdOf`, `not_found` as `noSuchJob` */
export function findJob(
  settings: Settings,
  ...given: (string | undefined)[]
): { jobId: string; dir: string } {
  const jobId = jobIdOf(settings, ...given);
  const dir = registryOf(settings, jobId);
  if (dir === undefined) throw noSuchJob(settings, jobId);
  return { jobId, dir };
}

/** The registry that has a job: the one in the settings, else one that a hub of this home has written. */
export function registryOf({ registryDir, home }: Settings, jobId: string): string | undefined {
  return [registryDir, ...readRegistries(homePaths(home))].find((dir) => hasJob(dir, jobId));
}

/** One of a job's audit files, sanitized; empty when there is none. */
export function readAuditFile(
  { paths, record, isCopy }: JobLog,
  name: 'screen.txt' | 'validate.log',
): string {
  return orElse(() => clean(readForeign(join(isCopy ? paths.folder : record.log_dir, name))).trimEnd(), '');
}
