import { existsSync } from 'node:fs';
import { resolveKind } from '../agents/index.ts';
import { columnsOf } from '../base/columns.ts';
import { explain, MamError, systemCode } from '../base/errors.ts';
import { flag, optionName } from '../base/fields.ts';
import { orElse } from '../base/or-else.ts';
import { shellWord } from '../base/shell.ts';
import { counted } from '../base/text.ts';
import type { JobRow } from '../job/row.ts';
import { addressOf } from '../operations/host-address.ts';
import { filterThere, listJobs, listView } from '../operations/list.ts';
import { awayError, awayJobs, awayListError } from '../registry/away.ts';
import { foldShown } from '../registry/history.ts';
import { type Home, homePaths } from '../registry/home.ts';
import { JobIndex } from '../registry/job-index.ts';
import { projectFolderOf } from '../registry/paths.ts';
import { Seal } from '../registry/seal.ts';
import { listRow } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { needText } from '../view/summary.ts';
import { defineCommand, type Given } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isTerminal, note, print, printJson, terminalColumns } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { jobsOfAllProjects, projectNames } from './jobs/all-projects.ts';
import { elsewhereText } from './jobs/elsewhere.ts';
import { listText } from './jobs/list-text.ts';
import { shortIds } from './jobs/short-ids.ts';
import { sumsText, usageSums, usageText } from './jobs/usage-text.ts';

const { mine: _, ...fields } = listJobs.fields;

/** More jobs than a registry has. */
const EVERY = Number.MAX_SAFE_INTEGER;

export default defineCommand({
  about: [
    'Lists the jobs of the registry: those that need you, the one that has waited longest first; then the other open ones and the rest, newest first. Reads the files, so it needs no hub.',
    'On a terminal, the list fits its width: ids are shortened first, to a part that commands accept, and the last column shows what is asked, the last words, or the task. Elsewhere, each job is one full line with tabs between its fields: id, status, agent, time of creation, task, and what is asked or the last words; with --all its project too. If any job is on another machine, or came from one, there is a column for it.',
  ],
  options: {
    ...fields,
    all: flag('the jobs of all projects, not only of this one'),
    usage: flag('what each job has used, as its agent says it, and the sums of all that match'),
  },
  json: {
    tool: 'list_jobs',
    also: 'With --all, each job also has `registry_dir`, and there is no `cursor`. With --usage: `sums`, by agent and models, and `unknown`, how many jobs they do not contain.',
  },
  exits: { done: 'done, even if there is no job' },
  examples: [
    'mam list --status working',
    'mam list --all --needs-you',
    "mam list --json | jq -r '.jobs[].job_id'",
    'mam list --limit 200 | cut -f1,2',
    'mam list --usage',
    'mam list --host hostb',
  ],

  async run({ options, registryDir, json }) {
    const { limit, cursor, all, usage, host: named, ...filter } = options;
    if (limit < 1) throw new MamError('bad_input', '--limit must be a whole number, 1 or greater.');
    const settings = await readingSettings(registryDir);
    const { host } = addressOf({ host: named }, settings);
    if (host !== undefined) {
      if (all || usage)
        throw new MamError(
          'bad_input',
          `--${all ? 'all' : 'usage'} is about the jobs of this host.`,
          'Leave it out: jobs that were delegated there from here are in this list too.',
        );
      const { listAt } = await import('./jobs/list-there.ts');
      return listAt(registryDir, host, filterThere({ ...filter, mine: false, limit, cursor }), json);
    }
    const { registryDir: dir } = settings;
    const home = homePaths(settings.home);
    if (all) {
      if (registryDir !== undefined)
        throw new MamError(
          'bad_input',
          '--all is about all registries.',
          'Leave out --registry-dir, or --all.',
        );
      if (cursor !== undefined)
        throw new MamError('bad_input', 'A list of all projects has no cursor.', 'Give a higher --limit.');
      return listAll(home, dir, filter, { limit, usage }, json);
    }
    if (registryDir !== undefined && !existsSync(dir) && awayListError(home, dir, true) === undefined)
      throw new MamError('bad_input', `The folder ${dir} does not exist.`, 'Check --registry-dir.');
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
    const used = usage ? usageSums(index?.page(filter, EVERY).rows ?? []) : undefined;
    const total = index?.size ?? 0;
    if (rows.length === 0 && filter.agent !== undefined) resolveKind(filter.agent, settings);
    const view = listView({ ...page, jobs: rows, total, need_you: index?.needYou }, dir);
    const first = rows.find(({ needs_you }) => needs_you === true);
    const help = first === undefined ? undefined : stepFor(dir, first.job_id, home);
    const given = limit === fields.limit.fallback ? undefined : limit;
    const after = { ...filter, usage, limit: given, registry_dir: registryDir, cursor: page?.cursor };
    const next = after.cursor === undefined ? undefined : listCommand(after);
    if (json) {
      const [newest] = rows;
      const step = newest === undefined ? 'mam submit --help' : `mam status ${newest.job_id}`;
      printJson({ ...view, ...used, next: next ?? help ?? step });
      return EXIT.done;
    }
    const none =
      total === 0
        ? `No jobs in ${dir}. Delegate one: mam submit "TASK"`
        : `None of the ${total} jobs in ${dir} matches.`;
    print(rows.length === 0 ? none : used === undefined ? listText(rows) : usageText(rows));
    // A pipe gets a line for each job, and nothing else.
    const onScreen = isTerminal();
    const say = onScreen ? print : note;
    if (used !== undefined) sayUsed(used, say);
    const others = view.need_you > 0 ? undefined : elsewhereText(settings);
    if (others !== undefined) say(others);
    if (view.need_you > 0)
      say(fitting(`${needText(view.need_you)}: ${help ?? 'mam list --needs-you'}`, rows));
    // On a screen, the longer list is easier to read, and its command to type.
    const more =
      onScreen && cursor === undefined ? listCommand({ ...after, cursor, limit: 2 * limit }) : next;
    if (next !== undefined) say(`${onScreen ? '… ' : ''}${more} shows more.`);
    return EXIT.done;
  },
});

type Filter = Pick<Given<typeof fields>['options'], 'status' | 'agent' | 'needs_you'>;

/** Shows the jobs of all projects. @returns the exit code */
async function listAll(
  home: Home,
  here: string,
  filter: Filter,
  { limit, usage }: { limit: number; usage: boolean },
  json: boolean,
): Promise<number> {
  const found = await jobsOfAllProjects(home, here, filter, usage ? EVERY : limit);
  const { total, needYou, projects, unread } = found;
  const rows = found.rows.slice(0, limit);
  const more = found.more || rows.length < found.rows.length;
  const used = usage ? usageSums(found.rows) : undefined;
  const first = rows.find(({ needs_you }) => needs_you === true);
  const help = first && stepFor(first.registry_dir, first.job_id, home);
  const next = more ? listCommand({ all: true, usage, ...filter, limit: 2 * limit }) : undefined;
  for (const sentence of unread) note(sentence);
  if (json) {
    const where = `${counted(total, 'job')} in ${counted(projects, 'project')}`;
    const view = listView({ jobs: rows, total, need_you: needYou }, here);
    const jobs = rows.map((row) => ({ ...listRow(row), registry_dir: row.registry_dir }));
    const summary = total === 0 ? view.summary : `${rows.length} of ${where}, those that need you first.`;
    printJson({ ...view, summary, jobs, ...used, next: next ?? help ?? 'mam submit --help' });
    return EXIT.done;
  }
  const folders = rows.map(({ registry_dir }) => projectFolderOf(registry_dir));
  const none = total === 0 ? 'No jobs in any project.' : `None of the ${total} jobs matches.`;
  const text = used === undefined ? listText(rows, { names: projectNames(rows), folders }) : usageText(rows);
  print(rows.length === 0 ? none : text);
  const onScreen = isTerminal();
  const say = onScreen ? print : note;
  if (used !== undefined) sayUsed(used, say);
  if (needYou > 0) say(fitting(`${needText(needYou)}: ${help ?? 'mam list --all --needs-you'}`, rows));
  if (next !== undefined) say(`${onScreen ? '… ' : ''}${next} shows more.`);
  return EXIT.done;
}

/** The sums below a list. On a screen that is part of it; a pipe gets only the jobs. */
function sayUsed({ sums, unknown }: ReturnType<typeof usageSums>, say: (text: string) => void): void {
  if (sums.length > 0) say(`\n${sumsText(sums)}`);
  if (unknown > 0) say(`What ${counted(unknown, 'job')} used is not known.`);
}

/** A line with a command, its id shortened where the screen is too narrow. */
function fitting(line: string, rows: readonly JobRow[]): string {
  if (columnsOf(line) <= terminalColumns()) return line;
  const ids = rows.map(({ job_id }) => job_id);
  const short = shortIds(ids);
  return ids.reduce((text, id, at) => text.replaceAll(id, short[at] ?? id), line);
}

/** What helps a job that needs someone. */
function stepFor(dir: string, jobId: string, home: Home): string {
  const look = `mam status ${jobId}`;
  return orElse(() => nextStep(foldShown(dir, jobId, home).record), look);
}

/** The command for another part of this list: a cursor is only a place in it, so it repeats all other options. */
function listCommand(options: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  const words = given.map(([name, value]) =>
    value === true ? `--${optionName(name)}` : `--${optionName(name)} ${shellWord(String(value))}`,
  );
  return ['mam list', ...words].join(' ');
}
