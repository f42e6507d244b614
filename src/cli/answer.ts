import { MamError } from '../errors.ts';
import { jobView } from '../view/job.ts';
import { answerSummary } from '../view/summary.ts';
import { withHub } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { print, printJson } from './core/output.ts';
import { jobIdOf, jobOption } from './jobs/job-argument.ts';
import { nextStep } from './jobs/next-step.ts';

export default defineCommand({
  synopsis: '--job ID TEXT | --allow | --deny [--request ID]',
  about: [
    'Answers what a job asks: its question with TEXT, its permission request with --allow or --deny.',
    'TEXT for a job that asks nothing is a further instruction for its peer.',
  ],
  words: [{ name: 'TEXT', about: 'the answer', many: true }],
  options: {
    job: { ...jobOption, needed: true },
    allow: { type: 'flag', about: 'allow exactly the open request, once' },
    deny: { type: 'flag', about: 'deny it' },
    request: {
      type: 'text',
      value: 'ID',
      about:
        'with --allow or --deny: the request that is meant (`mam status` shows its id); needed when the job has asked for several',
    },
  },
  json: { tool: 'answer_job' },
  exits: { done: 'the answer is on its way; what is printed says how far it got' },
  examples: [
    'mam answer --job fix-login-7f3kq2ab "Use the second port."',
    'mam answer --job fix-login-7f3kq2ab --allow',
  ],

  run({ options, words, registryDir, json }) {
    const { job, allow, deny, request } = options;
    if (Number(allow) + Number(deny) + Number(words.length > 0) !== 1)
      throw new MamError('bad_input', 'Give one of TEXT, --allow and --deny.');
    const decision = allow ? 'allow' : deny ? 'deny' : undefined;
    return withHub(registryDir, async ({ settings, ask }) => {
      const { record, delivered } = await ask('answer', {
        job_id: jobIdOf(settings.registryDir, job),
        registry_dir: settings.registryDir,
        text: decision === undefined ? words.join(' ') : undefined,
        decision,
        request_id: request,
        by: 'person',
      });
      if (json) {
        printJson({
          summary: answerSummary(record, delivered),
          delivered,
          ...jobView(record, false),
          next: nextStep(record),
        });
      } else print(delivered);
      return EXIT.done;
    });
  },
});
