import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { shellWord } from '../base/shell.ts';
import type { JobRow } from '../job/row.ts';
import { answer, answerView } from '../operations/answer.ts';
import { hasJob } from '../registry/paths.ts';
import { commandWords } from '../view/command-words.ts';
import { nextStep } from '../view/next-step.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { jobIdOf, jobWord, looksLikeId, noSuchJob, theJob } from './jobs/job-argument.ts';
import { withHub } from './jobs/with-hub.ts';

const MAX_JOBS = 100;

export default defineCommand({
  synopsis: '[--job ID | ID] TEXT | --allow | --deny [--request ID]',
  about: [
    'Answers what a job asks: its question with TEXT, its permission request with --allow or --deny.',
    'If the job has not asked anything, TEXT is a further instruction for its peer.',
  ],
  words: [
    { ...jobWord, about: 'the same as --job ID; for an open job, a unique prefix will do' },
    { name: 'TEXT', about: 'the answer', many: true },
  ],
  options: {
    ...theJob,
    allow: flag('allow exactly the open request, once'),
    deny: flag('deny it'),
    request_id: answer.fields.request_id,
  },
  json: { tool: 'answer_job' },
  exits: { done: 'the answer is on its way; the output says how far it got' },
  examples: [
    'mam answer --job fix-login-7f3kq2ab "Use the second port."',
    'mam answer --job fix-login-7f3kq2ab --allow',
  ],

  run({ options, words, registryDir, json }) {
    const { job_id: job, allow, deny, request_id } = options;
    const decision = allow ? 'allow' : deny ? 'deny' : undefined;
    const named = job !== undefined || words.length > (decision === undefined ? 1 : 0);
    const text = job === undefined ? words.slice(1) : words;
    if (!named) throw noJob(decision, words);
    if ([allow, deny, text.length > 0].filter(Boolean).length !== 1)
      throw new MamError('bad_input', 'Give exactly one of TEXT, --allow and --deny.');
    return withHub(registryDir, async ({ settings, ask }) => {
      const { registryDir: registry_dir } = settings;
      let id = job;
      if (id === undefined) {
        const [word = ''] = words;
        const { jobs } = await ask('list', { registry_dir, open_only: true, limit: MAX_JOBS });
        id = idOf(word, jobs, registry_dir);
        if (id === undefined) throw looksLikeId(word) ? noSuchJob(settings, word) : noJob(decision, words);
      }
      const { record, delivered: said } = await ask('answer', {
        job_id: jobIdOf(registry_dir, id),
        registry_dir,
        text: decision === undefined ? text.join(' ') : undefined,
        decision,
        request_id,
        by: 'person',
      });
      const delivered = commandWords(said);
      const view = answerView({ record, delivered }, false);
      return printAnswer(json, { ...view, next: nextStep(record) }, delivered);
    });
  },
});

/** The job that the first word means: an id, or a unique prefix of an open job's id. */
function idOf(word: string, open: JobRow[], registryDir: string): string | undefined {
  if (hasJob(registryDir, word)) return word;
  const [only, ...more] = open.filter((job) => job.job_id.startsWith(word));
  return more.length === 0 ? only?.job_id : undefined;
}

function noJob(decision: string | undefined, words: string[]): MamError {
  const rest = decision === undefined ? words.map(shellWord).join(' ') || 'TEXT' : `--${decision}`;
  return new MamError('bad_input', 'No job was given.', `mam answer --job ID ${rest}; mam list shows ids.`);
}
