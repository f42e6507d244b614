import { flag } from '../base/fields.ts';
import { cancel, cancelView } from '../operations/cancel.ts';
import { sessionOf } from '../settings/config.ts';
import { commandWords } from '../view/command-words.ts';
import { nextStep } from '../view/next-step.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { jobIdOf, jobWord, theJob } from './jobs/job-argument.ts';
import { withHub } from './jobs/with-hub.ts';

export default defineCommand({
  about: [
    'Cancels a job: takes it out of its queue, or ends it at once and notifies its peer in the answer to the next report.',
  ],
  words: [{ ...jobWord, completes: 'open' }],
  options: {
    ...cancel.fields,
    ...theJob,
    forget: flag('give up a job on another host that never comes back: nothing there is changed'),
  },
  json: { tool: 'cancel_job' },
  exits: { done: 'the job is final, now or already before' },
  examples: ['mam cancel k3f9x2ab-fix-login-test --reason "not needed any more"'],

  run: ({ options, words, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const job_id = jobIdOf(settings, options.job_id, words[0]);
      const result = await ask('cancel', {
        ...options,
        job_id,
        registry_dir: settings.registryDir,
        by: 'person',
        seen_by: sessionOf(settings),
      });
      const { record, changed } = result;
      const note = commandWords(result.note);
      if (record === undefined) {
        const view = { summary: note, job_id, changed, note, next: 'mam list' };
        return printAnswer(json, view, `${job_id} is no longer tracked. ${note}`);
      }
      const isForgotten = options.forget && changed;
      const said = isForgotten ? { summary: `Job ${record.job_id} was given up. ${note}` } : {};
      const view = { ...cancelView(record, { ...result, note }, options.interrupt, false), ...said };
      const isNews = changed && !isForgotten;
      const text = isNews ? `${record.job_id} is ${record.status}. ${note}` : view.summary;
      return printAnswer(json, { ...view, next: nextStep(record) }, text);
    }),
});
