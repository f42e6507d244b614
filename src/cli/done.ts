import { MamError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import type { JobRow } from '../job/row.ts';
import { hasJob } from '../registry/paths.ts';
import { defineCommand } from './core/command.ts';
import { commandSettings } from './core/settings.ts';
import { jobIdOf, looksLikeId, theJob } from './jobs/job-argument.ts';
import { withHub } from './jobs/with-hub.ts';
import publish, { report } from './publish.ts';

const MAX_JOBS = 100;

export default defineCommand({
  synopsis: '[--job ID | ID] [WORDS…]',
  about: [
    'For a person who was given a job (agent human): reports it as completed. Without an id, it reports the only such job that is open.',
  ],
  words: [
    { name: 'ID', about: 'the same as --job ID', completes: 'job' },
    { name: 'WORDS', about: 'the outcome, for whoever delegated the job', many: true },
  ],
  options: theJob,
  json: { tool: 'publish_event' },
  exits: publish.exits,
  examples: ['mam done "The key is on the board."', 'mam done --job bring-the-key "It is on the board."'],

  async run({ options: { job_id: named }, words, registryDir, json }) {
    const [job_id, said] = await choose(named, words, registryDir);
    const options = { job_id, event: 'completed' as const, detail: said.join(' ') || 'Done.' };
    return report({ options, words: [], json, registryDir }, 'person');
  },
});

/** The chosen job, and the remaining words. */
async function choose(
  named: string | undefined,
  words: string[],
  registry: string | undefined,
): Promise<[string, string[]]> {
  const { registryDir } = await commandSettings(registry);
  if (named !== undefined) return [jobIdOf(registryDir, named), words];
  const open = await withHub(registry, async ({ ask }) => {
    const filter = { registry_dir: registryDir, agent: 'human', open_only: true, limit: MAX_JOBS };
    return (await ask('list', filter)).jobs;
  });
  const [first = '', ...rest] = words;
  // A word meant as an id must never end another job.
  if (looksLikeId(first)) return [whole(first, open, registryDir), rest];
  const [meant, ...more] = open.filter(({ job_id }) => first !== '' && job_id.startsWith(first));
  // With one open job, a word that its id begins with may be a word of the report.
  if (open.length > 1 && meant !== undefined && more.length === 0) return [meant.job_id, rest];
  return [onlyOne(open, words), words];
}

function whole(word: string, open: JobRow[], registryDir: string): string {
  const [only, ...more] = open.filter((job) => job.job_id.startsWith(word));
  if (only !== undefined && more.length === 0) return only.job_id;
  const id = jobIdOf(registryDir, word);
  if (id !== word || hasJob(registryDir, id)) return id;
  throw new MamError(
    'not_found',
    `No job for a person has the id ${word}, or one that begins with it.`,
    'mam list shows all ids. If it is part of your report: mam done --job ID WORDS.',
  );
}

function onlyOne(open: JobRow[], words: string[]): string {
  const [job, ...more] = open;
  if (job === undefined)
    throw new MamError('not_found', 'No job for a person is open here.', 'mam list shows all jobs.');
  if (more.length === 0) return job.job_id;
  throw new MamError(
    'bad_input',
    `${open.length} jobs for a person are open: name one.`,
    open.map(({ job_id }) => `mam done ${job_id} ${words.map(shellWord).join(' ')}`.trim()).join('; '),
  );
}
