import { MamError } from '../errors.ts';
import type { JobRow } from '../job/request.ts';
import { withHub } from './ask.ts';
import { runWith, textOf, type Usage } from './command-line.ts';
import { run as publish } from './publish.ts';

const usage: Usage = {
  synopsis: 'done [ID] [WORDS]',
  text: [
    'For a person who was given a job (agent human): reports it completed. Without ID the one such job that is open.',
    '',
    'Example: mam done "The key is on the board."',
  ].join('\n'),
  options: {},
  positionals: true,
};

const MAX_JOBS = 100;

/** `mam done` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values, words) => {
    const registry = textOf(values, 'registry-dir');
    const open = await withHub(registry, async ({ settings, ask }) => {
      const { registryDir } = settings;
      return (
        await ask('list', { registry_dir: registryDir, agent: 'human', open_only: true, limit: MAX_JOBS })
      ).jobs;
    });
    const named = open.find((job) => job.job_id === words[0]);
    const job = named ?? onlyOne(open, words);
    const detail = (named === undefined ? words : words.slice(1)).join(' ') || 'Done.';
    return publish([
      ...['--job', job.job_id, '--event', 'completed', '--detail', detail],
      ...(values['json'] === true ? ['--json'] : []),
    ]);
  });
}

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
