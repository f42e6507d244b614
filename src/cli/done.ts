import { MamError } from '../base/errors.ts';
import { lastWord } from '../base/shell.ts';
import { jobsMeant, severalMeant } from '../job/meant-jobs.ts';
import type { JobRecord } from '../job/record.ts';
import { homePaths } from '../registry/home.ts';
import { reportedJobIn } from '../registry/meant-job.ts';
import { openRecords } from '../registry/open-records.ts';
import type { Settings } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { commandSettings } from './core/settings.ts';
import { oneOf } from './jobs/asking.ts';
import { commandsElsewhere, openElsewhere } from './jobs/elsewhere.ts';
import { idOrText, looksLikeId } from './jobs/id-or-text.ts';
import { endedJobs, isNearId, namedJob, noSuchJob, theJob } from './jobs/job-argument.ts';
import publish, { report } from './publish.ts';

export default defineCommand({
  synopsis: '[ID] [WORDS…] [OPTIONS]',
  about: [
    'For a person who was given a job (agent human): reports it as completed. Without an id, it reports the only such job that is open.',
    'The first word is the id as in `mam answer`: a whole one, its random part, or the beginning of that. Where it may also ' +
      'be a word of the report, nothing is reported, and the possible commands are printed.',
  ],
  words: [
    {
      name: 'ID',
      about: 'id of the job, or a part that no other open job for a person has',
      completes: 'person',
    },
    { name: 'WORDS', about: 'the outcome, for whoever delegated the job', many: true },
  ],
  options: theJob,
  json: { tool: 'publish_event' },
  exits: publish.exits,
  examples: ['mam done "The key is on the board."', 'mam done k3f9x2ab-bring-the-key "It is on the board."'],

  async run({ options: { job_id: named }, words, registryDir, json }) {
    const settings = await commandSettings(registryDir);
    const { id: job_id, text } = choose(named, words, settings);
    const options = { job_id, event: 'completed' as const, detail: text || 'Done.' };
    return report({ options, words: [], json, registryDir }, 'person');
  },
});

/** The chosen job, and the words of the report. @throws MamError `bad_input`, `not_found` */
function choose(
  named: string | undefined,
  words: string[],
  settings: Settings,
): { id: string; text: string } {
  const { registryDir, home } = settings;
  const open = openRecords(registryDir, homePaths(home)).filter(({ agent }) => agent === 'human');
  if (named !== undefined) return { id: ofPerson(named, open, settings), text: words.join(' ') };
  const ids = open.map(({ job_id }) => job_id);
  // With several jobs, a single word can only say which one.
  const [word = '', ...rest] = words;
  if (ids.length > 1 && rest.length === 0 && !looksLikeId(word) && !word.includes(' ')) {
    const meant = jobsMeant(word, candidates(open));
    if (word.length > 2 && meant.length === 1) return { id: meant[0]?.job_id ?? '', text: '' };
  }
  const { id, text } = idOrText(words, {
    command: 'mam done',
    open: ids,
    asking: ids,
    named: (one) => namedJob(settings, one),
    ended: (part) => endedJobs(settings, part),
    isNear: (one) => isNearId(settings, one),
    unknown: (one) => noSuchJob(settings, one),
  });
  return { id: id ?? onlyOne(open, words, settings), text };
}

/** The open job for a person that has this part in its id, or any job by an unmistakable id. */
function ofPerson(named: string, open: readonly JobRecord[], settings: Settings): string {
  const whole = namedJob(settings, named);
  if (whole !== undefined) return whole;
  const [only, ...more] = jobsMeant(named, candidates(open));
  if (more.length > 0)
    throw severalMeant(
      named,
      [only, ...more].flatMap((one) => one ?? []),
    );
  return only?.job_id ?? reportedJobIn(settings.registryDir, named);
}

function candidates(open: readonly JobRecord[]) {
  return open.map(({ job_id, status }) => ({ job_id, status, isOpen: true }));
}

function onlyOne(open: readonly JobRecord[], words: string[], settings: Settings): string {
  const [job, ...more] = open;
  const said = words.length === 0 ? '' : ` ${lastWord(words.join(' '))}`;
  if (job === undefined) {
    const others = openElsewhere(settings).filter(({ agent }) => agent === 'human');
    const hint =
      others.length === 0
        ? 'mam list --all shows all jobs.'
        : commandsElsewhere(others, ({ job_id }) => `mam done ${job_id}${said}`);
    throw new MamError('not_found', 'No job for a person is open here.', hint);
  }
  if (more.length === 0) return job.job_id;
  throw new MamError(
    'bad_input',
    `${open.length} jobs for a person are open: name one.`,
    oneOf(open.map(({ job_id }) => `mam done ${job_id}${said}`)),
  );
}
