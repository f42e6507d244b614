import { MamError } from '../errors.ts';
import type { JobRow } from '../job/request.ts';
import { withHub } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import publish from './publish.ts';

const MAX_JOBS = 100;

export default defineCommand({
  about: [
    'For a person who was given a job (agent human): reports it completed. Without ID the one such job that is open.',
  ],
  words: [
    { name: 'ID', about: 'the job', completes: 'job' },
    { name: 'WORDS', about: 'what came of it, for who delegated it', many: true },
  ],
  options: {},
  json: { tool: 'publish_event' },
  exits: publish.exits,
  examples: ['mam done "The key is on the board."'],

  async run({ words, registryDir, json }) {
    const open = await withHub(registryDir, async ({ settings, ask }) => {
      return (
        await ask('list', {
          registry_dir: settings.registryDir,
          agent: 'human',
          open_only: true,
          limit: MAX_JOBS,
        })
      ).jobs;
    });
    const named = open.find((job) => job.job_id === words[0]);
    const job = named ?? onlyOne(open, words);
    const detail = (named === undefined ? words : words.slice(1)).join(' ') || 'Done.';
    return publish.run({
      options: { job: job.job_id, event: 'completed', detail, 'result-file': undefined },
      words: [],
      json,
      registryDir,
    });
  },
});

function onlyOne(open: JobRow[], words: string[]): JobRow {
  const [job, ...more] = open;
  if (job !== undefined && more.length === 0) return job;
  throw new MamError(
    'bad_input',
    job === undefined
      ? 'No job for a person is open here.'
      : `${open.length} jobs for a person are open: say which.`,
    job === undefined
      ? 'mam list shows all jobs.'
      : open.map((one) => `mam done ${one.job_id} ${words.join(' ')}`.trim()).join('; '),
  );
}
