import { existsSync } from 'node:fs';
import { loadSettings } from '../config.ts';
import { MamError } from '../errors.ts';
import { STATUSES } from '../job/words.ts';
import { JobIndex } from '../registry/job-index.ts';
import { print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';
import { listText } from './job-text.ts';

const usage: Usage = {
  synopsis: 'list [--status STATUS] [--limit N] [--json]',
  text: [
    'Lists the jobs of the registry, the newest first. Reads the files, so it needs no hub.',
    '',
    `  --status STATUS  one of ${STATUSES.join(', ')}`,
    '  --limit N        how many; 50 when left out',
    '',
    'Example: mam list --status working',
  ].join('\n'),
  options: { status: { type: 'string' }, limit: { type: 'string' } },
};

const DEFAULT_LIMIT = 50;

/** `mam list` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values) => {
    const status = textOf(values, 'status');
    if (status !== undefined && !(STATUSES as readonly string[]).includes(status)) {
      throw new MamError('bad_input', '--status is not a status.', `Use one of ${STATUSES.join(', ')}.`);
    }
    const limit = Number(values['limit'] ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1)
      throw new MamError('bad_input', '--limit is no whole number from 1 on.');
    const { registryDir } = await loadSettings({ registryDir: textOf(values, 'registry-dir') });
    const rows = existsSync(registryDir)
      ? (await JobIndex.load(registryDir, false)).page({ status }, limit).rows
      : [];
    if (values['json'] === true) print(JSON.stringify({ jobs: rows }));
    else print(rows.length === 0 ? `No jobs in ${registryDir}.` : listText(rows));
    return EXIT.done;
  });
}
