import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { lastWord } from '../base/shell.ts';
import { asksForText, openQuestion } from '../job/open-request.ts';
import { answer, answerView } from '../operations/answer.ts';
import { homePaths } from '../registry/home.ts';
import { openRecords } from '../registry/open-records.ts';
import { commandWords } from '../view/command-words.ts';
import { nextStep } from '../view/next-step.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { onlyAsking } from './jobs/asking.ts';
import { decide } from './jobs/decide.ts';
import { openElsewhere } from './jobs/elsewhere.ts';
import { idOrText } from './jobs/id-or-text.ts';
import { endedJobs, isNearId, jobIdOf, jobWord, namedJob, noSuchJob, theJob } from './jobs/job-argument.ts';
import { withLink } from './jobs/with-hub.ts';

const WAITS = { one: 'is waiting for an answer', several: 'are waiting for an answer' };

export default defineCommand({
  synopsis: '[ID] TEXT | [ID] --allow | [ID] --deny [OPTIONS]',
  about: [
    'Answers what a job asks: its question with TEXT, its permission request with --allow or --deny. If the named job has ' +
      'not asked anything, TEXT is a further instruction for its peer.',
    'Without an id: the only job here that asks. For TEXT, that is a job with an open question, or whose turn has ended.',
    'A word in front of a quoted TEXT is always the id, or a part of it. Without quotes it is the id if it is a whole one, ' +
      'its random part, or the beginning of that (at least 3 characters). If the first word may be either, nothing is ' +
      'sent, and the possible commands are printed. A quoted TEXT of several words without an id is always TEXT.',
  ],
  words: [
    { ...jobWord, completes: 'asking' },
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
    'mam answer "Use the second port."',
    'mam answer k3f9x2ab-fix-login-test "Use the second port."',
    'mam answer k3f9 "Use the second port."',
    'mam answer --allow',
  ],

  async run({ options, words, registryDir, json }) {
    const { job_id: job, allow, deny, request_id } = options;
    const decision = allow ? 'allow' : deny ? 'deny' : undefined;
    const text = decision === undefined ? words : words.slice(job === undefined ? 1 : 0);
    if ([allow, deny, text.length > 0].filter(Boolean).length !== 1)
      throw new MamError('bad_input', 'Give exactly one of TEXT, --allow and --deny.');
    if (decision !== undefined)
      return decide({ decision, named: job ?? words[0], request_id, registryDir, json });
    const settings = await commandSettings(registryDir);
    const open = openRecords(settings.registryDir, homePaths(settings.home));
    const asking = open.filter(asksForText);
    const said = meant();
    if (said.text.trim() === '')
      throw said.id === undefined
        ? new MamError('bad_input', 'The text is empty.', 'Run: mam answer "YOUR ANSWER"')
        : new MamError(
            'bad_input',
            `The answer to ${said.id} is missing.`,
            `Run: mam answer ${said.id} "YOUR ANSWER"`,
          );
    const others = said.id === undefined && asking.length === 0 ? openElsewhere(settings) : [];
    const asker =
      said.id === undefined ? onlyAsking(asking, WAITS, commandFor, others.filter(asksForText)) : undefined;
    const job_id = said.id ?? asker?.job_id ?? '';
    // What the job asks by the time the text arrives may be something else.
    const question = asker === undefined ? undefined : openQuestion(asker)?.request_id;
    return withLink(settings, async (link) => {
      const { record, delivered: how } = await link.request('answer', {
        ...{ job_id, registry_dir: settings.registryDir, text: said.text },
        ...{ request_id: request_id ?? question, by: 'person' },
      });
      const delivered = commandWords(how);
      const view = answerView({ record, delivered }, false);
      const shown = `to ${job_id}: ${said.text}\n${delivered}`;
      return printAnswer(json, { ...view, next: nextStep(record) }, shown);
    });

    function meant(): { id?: string; text: string } {
      if (job !== undefined) return { id: jobIdOf(settings, job), text: words.join(' ') };
      return idOrText(words, {
        command: 'mam answer',
        open: open.map(({ job_id: id }) => id),
        asking: asking.map(({ job_id: id }) => id),
        named: (word) => namedJob(settings, word),
        ended: (part) => endedJobs(settings, part),
        isNear: (word) => isNearId(settings, word),
        unknown: (word) => noSuchJob(settings, word),
      });
    }

    function commandFor({ job_id: id }: { job_id: string }): string {
      return `mam answer ${id} ${lastWord(words.join(' '))}`;
    }
  },
});
