import { isJobId } from '../base/ids.ts';
import { cleanLine } from '../base/text.ts';
import { needsAttention } from '../job/apply.ts';
import { obstacleOf } from '../job/obstacle.ts';
import { homePaths } from '../registry/home.ts';
import type { Check } from './check.ts';
import { note } from './finding.ts';
import { openJobs } from './open-jobs.ts';

const WORDS_CHARS = 300;

/** Open jobs that cannot get to their panes, or wait behind one that needs attention: a person must look at them. */
export const keptJobs: Check = {
  name: 'kept jobs',
  area: 'registry',
  limitMs: 3_000,

  async look({ home }) {
    return openJobs(homePaths(home)).flatMap(({ jobId, record }) => {
      const { status, held_up, blocked_by, blocked_what, behind } = record;
      if (status === undefined || !isJobId(jobId)) return [];
      // The text of a file in a project is shown, but none of its commands.
      const kept = obstacleOf({ status, blocked_by, blocked_what, behind });
      if (kept === undefined || !(needsAttention({ status, held_up }) || behind)) return [];
      const title = `Job ${jobId} is waiting: ${cleanLine(kept.cause, WORDS_CHARS)}.`;
      return [note('registry.kept', title, `\`mam status ${jobId}\` says what to do.`)];
    });
  },
};
