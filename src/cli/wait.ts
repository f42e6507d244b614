import { maybe, number } from '../base/fields.ts';
import { openLink } from '../link/client.ts';
import { checkHub } from '../link/ensure-hub.ts';
import { listedIds } from '../link/listed-ids.ts';
import { defineCommand } from './core/command.ts';
import { exitCodeAfter } from './core/exit.ts';
import { print, printJson } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { followedJson, followJobs } from './jobs/follow-jobs.ts';
import { jobIdOf, jobWord, theJob } from './jobs/job-argument.ts';

/** A hub that has to be started first answers within this time beside that of the wait, and any within the second; in ms. */
const HUB_MS = 4_000;
const MOST_MS = 10_000;

export default defineCommand({
  about: [
    'Waits until a job is final or needs somebody; without an id until every open job of the registry is final. ' +
      'There a job that needs somebody is printed and waited for on.',
    'Ctrl-C stops waiting, not the job.',
  ],
  words: [jobWord],
  options: {
    ...theJob,
    timeout_seconds: maybe(number('how long to wait; without it there is no limit')),
  },
  json: {
    tool: 'wait_job',
    also: 'Nothing is cut: `jobs_left_out` is 0, and there is no `events_left_out`.',
  },
  exits: {
    done: 'completed; of several jobs, every one',
    failed: 'failed or cancelled; of several jobs, one of them',
    running: 'time is up, or Ctrl-C: the job goes on',
    attention: 'the job that is named needs an answer',
  },
  examples: ['mam wait --job fix-login-7f3kq2ab --timeout 600', 'mam wait'],

  async run({ options, words, registryDir, json }) {
    const settings = await commandSettings(registryDir);
    const named =
      options.job_id === undefined && words[0] === undefined
        ? undefined
        : jobIdOf(settings.registryDir, options.job_id, words[0]);
    checkHub(settings);
    const link = openLink(settings);
    try {
      const end = await followJobs({
        link,
        settings,
        jobIds: named === undefined ? await allOpen() : [named],
        past: named === undefined,
        timeoutSeconds: options.timeout_seconds,
        json,
      });
      if (json) printJson(followedJson(end));
      return exitCodeAfter(end, named === undefined);
    } finally {
      await link.close();
    }

    async function allOpen(): Promise<string[]> {
      const { timeout_seconds: seconds } = options;
      const listMs = seconds === undefined ? undefined : Math.min(seconds * 1000 + HUB_MS, MOST_MS);
      const ids = await listedIds((page) => link.request('list', page, listMs), {
        registry_dir: settings.registryDir,
        open_only: true,
      });
      if (ids.length === 0 && !json) print(`No open job in ${settings.registryDir}.`);
      return ids;
    }
  },
});
