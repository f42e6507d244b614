import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { discard, discardSummary } from '../operations/discard.ts';
import { callerEnvironment } from '../settings/environment.ts';
import { jobView } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { askYes, canAsk } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { print, printAnswer } from './core/output.ts';
import { jobIdOf, jobWord, theJob } from './jobs/job-argument.ts';
import { withHub } from './jobs/with-hub.ts';

/** How long the removal of a large worktree may take, in ms. */
const DISCARD_MS = 300_000;

export default defineCommand({
  about: [
    'Removes the worktree of a job that has ended. Its branch stays, unless you ask for it with --branch. On a terminal it says what goes, and asks; elsewhere it removes nothing without --yes.',
    'It is refused while something in the worktree is not committed, while no other branch has its commits, and while ' +
      'anything works there. With --force only the last of these counts, and what is lost is named.',
  ],
  words: [jobWord],
  options: { ...theJob, ...discard.fields, job_id: theJob.job_id, yes: flag('remove it without asking') },
  json:
    '`summary`, the fields of `job_status` in `job`, `state` (there: it was removed now; gone: only git knew of it; none: it was ' +
    'removed before), `folder`, `branch`, `commit` (its last one), `branch_deleted`, `lost` (what went with it) and `next`',
  exits: { done: 'the worktree is gone, now or already before; or you have said no' },
  examples: ['mam discard k3f9x2ab-fix-login-test', 'mam discard k3f9 --branch --yes'],

  run: ({ options, words, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const { force, branch, yes } = options;
      const job_id = jobIdOf(settings, options.job_id, words[0]);
      const asked = { job_id, registry_dir: settings.registryDir, force, branch, env: callerEnvironment() };
      if (!yes && (json || !canAsk()))
        throw new MamError(
          'refused',
          'Nothing was removed: only a person can say yes.',
          `Run \`mam discard ${job_id}\` in a terminal, or add --yes.`,
        );
      if (!yes) {
        print(discardSummary(await ask('discard', { ...asked, dry_run: true }, DISCARD_MS), true));
        if (!(await askYes('Remove it?'))) {
          print('Nothing was removed.');
          return EXIT.done;
        }
      }
      const result = await ask('discard', { ...asked, by: 'person' }, DISCARD_MS);
      const { record, ...rest } = result;
      const summary = discardSummary(result);
      const view = { summary, job: jobView(record, false), ...rest, next: nextStep(record) };
      return printAnswer(json, view, summary);
    }),
});
