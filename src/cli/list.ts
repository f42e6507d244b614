import { existsSync } from 'node:fs';
import { explain, MamError, systemCode } from '../base/errors.ts';
import { optionName } from '../base/fields.ts';
import { shellWord } from '../base/shell.ts';
import { listJobs, listView } from '../operations/list.ts';
import { awayError, awayJobs, awayListError } from '../registry/away.ts';
import { homePaths } from '../registry/home.ts';
import { JobIndex } from '../registry/job-index.ts';
import { Seal } from '../registry/seal.ts';
import { needText } from '../view/summary.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isTerminal, note, print, printJson } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { listText } from './jobs/job-text.ts';

const { mine: _, ...fields } = listJobs.fields;

export default defineCommand({
  about: [
    'Lists the jobs of the registry, newest first. Reads the files, so it needs no hub.',
    'On a terminal, the list has column titles and ages, and prompts are cut to its width; elsewhere, each job has one full line with its time of creation.',
  ],
  options: fields,
  json: { tool: 'list_jobs' },
  exits: { done: 'done, even if there is no job' },
  examples: ['mam list --status working', "mam list --json | jq -r '.jobs[].job_id'"],

  async run({ options, registryDir, json }) {
    const { limit, cursor, ...filter } = options;
    if (limit < 1) throw new MamError('bad_input', '--limit must be a whole number, 1 or greater.');
    const settings = await readingSettings(registryDir);
    const { registryDir: dir } = settings;
    const home = homePaths(settings.home);
    let unread: MamError | undefined;
    let index: JobIndex | undefined;
    try {
      if (existsSync(dir)) index = await JobIndex.load(dir, Seal.existing(home));
    } catch (error) {
      unread = new MamError(
        'io',
        `The registry ${dir} cannot be read (${systemCode(error) ?? explain(error)}).`,
        'Fix its permissions, or set MAM_REGISTRY_DIR to another folder.',
      );
    }
    const away = awayJobs(home).find((pointer) => pointer.registryDir === dir);
    const isEmpty = (index?.size ?? 0) === 0;
    const error = away === undefined ? awayListError(home, dir, isEmpty) : awayError(away);
    if (isEmpty && (error ?? unread) !== undefined) throw error ?? unread;
    if (error !== undefined) note(error.message);
    const page = index?.page(filter, limit, cursor);
    const rows = page?.rows ?? [];
    const total = index?.size ?? 0;
    const view = listView({ ...page, jobs: rows, total, need_you: index?.needYou }, dir);
    const first = rows.find(({ needs_you }) => needs_you === true) ?? rows[0];
    const given = limit === fields.limit.fallback ? undefined : limit;
    const after = { ...filter, limit: given, registry_dir: registryDir, cursor: page?.cursor };
    const next = after.cursor === undefined ? undefined : nextPage(after);
    if (json) {
      const step = first === undefined ? 'mam submit --help' : `mam status ${first.job_id}`;
      printJson({ ...view, next: next ?? step });
      return EXIT.done;
    }
    const none = total === 0 ? `No jobs in ${dir}.` : `None of the ${total} jobs in ${dir} matches.`;
    print(rows.length === 0 ? none : listText(rows));
    // A pipe gets a line for each job, and nothing else.
    const [say, mark] = isTerminal() ? [print, '… '] : [note, ''];
    if (view.need_you > 0) {
      const look = first?.needs_you === true ? `mam status ${first.job_id}` : 'mam list --needs-you';
      say(`${needText(view.need_you)}: ${look}`);
    }
    if (next !== undefined) say(`${mark}${next} shows more.`);
    return EXIT.done;
  },
});

/** The command for the next page: the cursor is only a place in the list, so it repeats all other options. */
function nextPage(options: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  const words = given.map(([name, value]) =>
    value === true ? `--${optionName(name)}` : `--${optionName(name)} ${shellWord(String(value))}`,
  );
  return ['mam list', ...words].join(' ');
}
