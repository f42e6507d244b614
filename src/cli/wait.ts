import { maybe, number } from '../base/fields.ts';
import type { Link } from '../link/link.ts';
import { listedIds } from '../link/listed-ids.ts';
import type { Settings } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { exitCodeAfter } from './core/exit.ts';
import { print, printJson } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { elsewhereText } from './jobs/elsewhere.ts';
import { followedJson, followJobs } from './jobs/follow-jobs.ts';
import { jobIdOf, jobWord, theJob } from './jobs/job-argument.ts';
import { withLink } from './jobs/with-hub.ts';

/** How long to wait for the list of jobs, in ms: the user's limit plus the first, and never longer than the second. */
const HUB_START_MS = 4_000;
const MAX_LIST_MS = 10_000;

export default defineCommand({
  about: [
    'Waits until a job is final or needs you; without an id, until every open job of the registry is final. ' +
      'In that case a job that needs you is printed, and the wait continues.',
    'Ctrl-C stops waiting, not the job.',
  ],
  words: [{ ...jobWord, completes: 'asking' }],
  options: { ...theJob, timeout_seconds: maybe(number('maximum seconds to wait; default: no limit')) },
  json: {
    tool: 'wait_job',
    also: 'Nothing is cut: `jobs_left_out` is 0, and there is no `events_left_out`.',
  },
  exits: {
    done: 'completed; of several jobs, all of them',
    failed: 'failed or cancelled; of several jobs, at least one',
    running: 'time is up, or Ctrl-C: the job goes on',
    attention: 'the named job needs an answer',
  },
  examples: ['mam wait k3f9x2ab-fix-login-test --timeout 600', 'mam wait'],

  async run({ options, words, registryDir, json }) {
    const settings = await commandSettings(registryDir);
    const { job_id, timeout_seconds: timeoutSeconds } = options;
    const past = job_id === undefined && words[0] === undefined;
    const named = past ? [] : [jobIdOf(settings, job_id, words[0])];
    return withLink(settings, async (link) => {
      const jobIds = past ? await openJobs(link, settings, timeoutSeconds) : named;
      if (jobIds.length === 0 && !json)
        print(
          `No open job in ${settings.registryDir}. ${elsewhereText(settings) ?? 'Delegate one: mam submit "TASK"'}`,
        );
      const end = await followJobs({ link, settings, jobIds, past, timeoutSeconds, json, onlyWaits: true });
      if (json) printJson(followedJson(end));
      return exitCodeAfter(end, past);
    });
  },
});

function openJobs(link: Link, { registryDir }: Settings, seconds: number | undefined): Promise<string[]> {
  const listMs = seconds === undefined ? undefined : Math.min(seconds * 1000 + HUB_START_MS, MAX_LIST_MS);
  const filter = { registry_dir: registryDir, open_only: true };
  return listedIds((page) => link.request('list', page, listMs), filter);
}
