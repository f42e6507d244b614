import { orElse } from '../../base/or-else.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { cleanLine, counted } from '../../base/text.ts';
import { rankOf } from '../../job/rank.ts';
import type { JobRecord } from '../../job/record.ts';
import { standingOf } from '../../job/standing.ts';
import { homePaths } from '../../registry/home.ts';
import { openJobs } from '../../registry/open-jobs.ts';
import { projectFolderOf } from '../../registry/paths.ts';
import { needText } from '../../view/summary.ts';
import type { Place } from './job-argument.ts';

const NAMED_JOBS = 5;
const PATH_CHARS = 160;

/** The open jobs of the user's other projects. */
export function openElsewhere({ registryDir, home }: Place): JobRecord[] {
  const open = orElse(() => openJobs(homePaths(home)), []);
  return open.filter((job) => !isSamePlace(job.registry_dir, registryDir));
}

/** What is open in other projects, and what shows it; undefined if nothing is. */
export function elsewhereText(place: Place): string | undefined {
  const open = openElsewhere(place);
  const needing = open.filter((job) => rankOf(standingOf(job)) === 'needs_you').length;
  if (open.length === 0) return undefined;
  return needing > 0
    ? `${needText(needing)} in other projects: mam list --all --needs-you`
    : `${counted(open.length, 'job is', 'jobs are')} open in other projects: mam list --all`;
}

/**
 * The commands for jobs of other projects, each with its project.
 * @param commandFor may end with ` # ` and what it is about
 */
export function commandsElsewhere(
  jobs: readonly JobRecord[],
  commandFor: (job: JobRecord) => string,
): string {
  const lines = jobs.slice(0, NAMED_JOBS).map((job) => {
    const [, command, about] = /^(.*?)(?: # (.*))?$/s.exec(commandFor(job)) ?? [];
    const where = cleanLine(projectFolderOf(job.registry_dir), PATH_CHARS);
    return `\n  ${command} # ${about === undefined ? where : `${where}: ${about}`}`;
  });
  const left = jobs.length - lines.length;
  return `In other projects:${lines.join('')}${left > 0 ? `\n  … and ${left} more: mam list --all` : ''}`;
}
