import { resolve } from 'node:path';
import { merge, mergeSummary } from '../operations/merge.ts';
import { callerEnvironment } from '../settings/environment.ts';
import { jobView } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { defineCommand } from './core/command.ts';
import { note, printAnswer } from './core/output.ts';
import { jobIdOf, jobWord, theJob } from './jobs/job-argument.ts';
import { withHub } from './jobs/with-hub.ts';

/** How long a merge may take while someone waits for it, in ms: its hooks may run tests. */
const MERGE_MS = 600_000;

export default defineCommand({
  about: [
    "Merges the branch of a job's worktree into the branch that is checked out in the current folder: it is moved forward if " +
      'it can be, otherwise git makes a merge commit. The hooks of the repository run.',
    'Nothing is changed if there is a conflict, if changes that are not committed would be met, if a hook fails, or if the ' +
      "job's worktree has changes that are not committed.",
  ],
  words: [jobWord],
  options: { ...theJob, ...merge.fields, job_id: theJob.job_id },
  json:
    '`summary`, the fields of `job_status` in `job`, `branch`, `into` (the branch), `folder` (where it is checked out), ' +
    '`commit` (which has the work now), `how` (already, forward, commit or nothing), `said` (what git and hooks have printed) and `next`',
  exits: { done: 'the branch has the work, now or already before' },
  examples: ['mam merge k3f9x2ab-fix-login-test', 'mam merge k3f9 --into ../project'],

  run: ({ options, words, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const { cwd } = settings;
      const { into, committed_only, force } = options;
      const job_id = jobIdOf(settings, options.job_id, words[0]);
      const asked = { job_id, registry_dir: settings.registryDir, committed_only, force, cwd };
      const result = await ask(
        'merge',
        {
          ...{ ...asked, ...(into !== undefined && { into: resolve(cwd, into) }) },
          ...{ by: 'person', env: callerEnvironment() },
        },
        MERGE_MS,
      );
      const { record, ...rest } = result;
      const summary = mergeSummary(result);
      if (result.said !== undefined && !json) note(`git said:\n${result.said.trimEnd()}`);
      const view = { summary, job: jobView(record, false), ...rest, next: nextStep(record) };
      return printAnswer(json, view, summary);
    }),
});
