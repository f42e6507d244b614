import { existsSync } from 'node:fs';
import { explain, MamError, systemCode } from '../base/errors.ts';
import { optionName } from '../base/fields.ts';
import { shellWord } from '../base/shell.ts';
import type { JobRow } from '../job/row.ts';
import { listJobs, listView } from '../operations/list.ts';
import { awayError, awayJobs, awayListError } from '../registry/away.ts';
import { homePaths } from '../registry/home.ts';
import { JobIndex } from '../registry/job-index.ts';
import { Seal } from '../registry/seal.ts';
import { needText } from '../view/needs.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isTerminal, note, print, printJson } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { listText } from './jobs/job-text.ts';

const { mine: _, ...fields } = listJobs.fields;

export default defineCommand({
  about: [
    'Lists the jobs of the registry, the newest first. Reads the files, so it needs no hub.',
    'On a terminal it has titles and ages, and no line is longer than the screen; elsewhere each job has its whole line, with the time it was made.',
  ],
  options: fields,
  json: { tool: 'list_jobs' },
  exits: { done: 'done, also when there is no job' },
  examples: ['mam list --status working', "mam list --json | jq -r '.jobs[].job_id'"],

  async run({ options, registryDir, json }) {
    const { limit, cursor, ...filter } = options;
    if (limit < 1) throw new MamError('bad_input', '--limit is not a whole number from 1 on.');
    const settings = await readingSettings(registryDir);
    const home = homePaths(settings.home);
    let unread: MamError | undefined;
    const index = await load(settings.registryDir, Seal.existing(home)).catch((error: unknown) => {
      unread = readError(settings.registryDir, error);
      return undefined;
    });
    const away = awayJobs(home).find((pointer) => pointer.registryDir === settings.registryDir);
    const isEmpty = (index?.size ?? 0) === 0;
    const error = away === undefined ? awayListError(home, settings.registryDir, isEmpty) : awayError(away);
    if (isEmpty && (error ?? unread) !== undefined) throw error ?? unread;
    if (error !== undefined) note(error.message);
    const page = index?.page(filter, limit, cursor);
    const rows = page?.rows ?? [];
    const total = index?.size ?? 0;
    const view = listView({ ...page, jobs: rows, total, need_you: index?.needYou }, settings.registryDir);
    const first = rows.find(({ needs_you }) => needs_you === true) ?? rows[0];
    const next =
      page?.cursor === undefined
        ? undefined
        : nextPage({
            ...filter,
            limit: limit === fields.limit.fallback ? undefined : limit,
            registry_dir: registryDir,
            cursor: page.cursor,
          });
    if (json) {
      printJson({
        ...view,
        next: next ?? (first === undefined ? 'mam submit --help' : `mam status ${first.job_id}`),
      });
    } else {
      print(
        rows.length === 0
          ? total === 0
            ? `No jobs in ${settings.registryDir}.`
            : `None of the ${total} jobs in ${settings.registryDir}.`
          : listText(rows),
      );
      if (view.need_you > 0) tellNeed(view.need_you, first);
      // What is piped on has a line for each job, and no other.
      if (next !== undefined && isTerminal()) print(`… ${next} shows more.`);
      else if (next !== undefined) note(`${next} shows more.`);
    }
    return EXIT.done;
  },
});

async function load(registryDir: string, seal: Seal | undefined): Promise<JobIndex | undefined> {
  return existsSync(registryDir) ? JobIndex.load(registryDir, seal) : undefined;
}

function readError(registryDir: string, error: unknown): MamError {
  return new MamError(
    'io',
    `The registry ${registryDir} cannot be read (${systemCode(error) ?? explain(error)}).`,
    'Mend its permissions, or set MAM_REGISTRY_DIR to another folder.',
  );
}

/** What a list may hide in its length. @param first of its rows, the one that is looked at first */
function tellNeed(count: number, first: JobRow | undefined): void {
  const look = first?.needs_you === true ? `mam status ${first.job_id}` : 'mam list --needs-you';
  const text = `${needText(count)}: ${look}`;
  if (isTerminal()) print(text);
  else note(text);
}

/** The command for the next page: a cursor is only a place in the list, so all else is said again. */
function nextPage(options: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  const words = given.map(([name, value]) =>
    value === true ? `--${optionName(name)}` : `--${optionName(name)} ${shellWord(String(value))}`,
  );
  return ['mam list', ...words].join(' ');
}
