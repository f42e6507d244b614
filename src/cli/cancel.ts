import { sessionOf } from '../settings/config.ts';
import { jobView } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { cancelSummary } from '../view/summary.ts';
import { withHub } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { print, printJson } from './core/output.ts';
import { jobIdOf, jobOption, jobWord } from './jobs/job-argument.ts';

export default defineCommand({
  about: [
    'Cancels a job: takes it out of its queue, or ends it at once and tells its peer with the answer to the next report.',
  ],
  words: [jobWord],
  options: {
    job: jobOption,
    reason: { type: 'text', value: 'TEXT', about: 'for the record and for the peer' },
    interrupt: {
      type: 'flag',
      about: "also press the agent's interrupt key, if it is in the middle of a turn",
    },
  },
  json: { tool: 'cancel_job' },
  exits: { done: 'the job is final, by this or before' },
  examples: ['mam cancel --job fix-login-7f3kq2ab --reason "not needed any more"'],

  run: ({ options: { job, reason, interrupt }, words, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const job_id = jobIdOf(settings.registryDir, job, words[0]);
      const { record, changed, note } = await ask('cancel', {
        job_id,
        registry_dir: settings.registryDir,
        reason,
        by: 'person',
        interrupt,
        seen_by: sessionOf(settings),
      });
      if (record === undefined) {
        if (json) printJson({ summary: note, job_id, changed, note, next: 'mam list' });
        else print(`${job_id} is let go. ${note}`);
      } else if (json) {
        printJson({
          summary: cancelSummary(record, changed, interrupt ? note : undefined),
          changed,
          note,
          ...jobView(record, false),
          next: nextStep(record),
        });
      } else print(`${record.job_id} is ${record.status}. ${note}`);
      return EXIT.done;
    }),
});
