import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { type DiffPage, type DiffResult, diff, diffPages, diffSummary } from '../operations/diff.ts';
import { ELSEWHERE_MS } from '../operations/request.ts';
import { jobView } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isTerminal, note, printJson, terminalColumns } from './core/output.ts';
import { DiffText } from './jobs/diff-text.ts';
import { jobIdOf, jobWord, theJob } from './jobs/job-argument.ts';
import { withHub } from './jobs/with-hub.ts';

export default defineCommand({
  about: [
    'Shows what a job has changed. For a job with a worktree: everything in the worktree that its base commit does not have, ' +
      'which is its commits, changes that are staged or not, and new files that git does not ignore. Once the worktree is ' +
      'removed: what its branch has.',
    'For a job without one, in a git folder: the same between the commit at which it began and the folder as it is now, or ' +
      'the commit at which it ended if the folder has gone on.',
    'On a terminal it is coloured, and control characters are removed. In a pipe or a file it is exact, with binary files: ' +
      '`mam diff ID | git apply` takes it. Nothing is changed by it.',
  ],
  words: [jobWord],
  options: { ...theJob, stat: diff.fields.stat },
  json:
    '`summary`, the fields of `job_status` in `job`, `base`, `folder` or `commit`, `branch`, `files` (`path`, `old_path`, and ' +
    'lines `added` and `deleted` of each; as many as fit), `files_total`, `notes`, `patch` (or `stat`; with `_base64` after ' +
    'its name if it is not UTF-8) and `next`',
  exits: { done: 'shown, even if nothing has changed' },
  examples: ['mam diff k3f9x2ab-fix-login-test', 'mam diff k3f9 --stat', 'mam diff k3f9 | git apply'],

  run: ({ options, words, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const job_id = jobIdOf(settings, options.job_id, words[0]);
      const where = { job_id, registry_dir: settings.registryDir };
      const isShown = isTerminal() && !json;
      const columns = terminalColumns();
      const asked = {
        ...{ ...where, stat: options.stat, exact: !isShown },
        ...(isShown && Number.isFinite(columns) && { columns }),
      };
      const first = (await ask('diff', asked, ELSEWHERE_MS)) as DiffResult;
      const later = (page: object) => ask('diff', { ...where, ...page }, ELSEWHERE_MS) as Promise<DiffPage>;
      const pages = diffPages(first, later);
      if (json) return printWhole(first, pages, options.stat);
      for (const sentence of first.notes) note(sentence);
      if (first.size === 0) note(diffSummary(first));
      await (isShown ? show(pages) : copy(pages));
      return EXIT.done;
    }),
});

async function show(pages: AsyncIterable<Buffer>): Promise<void> {
  const text = new DiffText();
  for await (const page of pages) text.write(page);
  text.end();
}

/** To a file or a program, byte by byte. */
async function copy(pages: AsyncIterable<Buffer>): Promise<void> {
  for await (const page of pages) if (!process.stdout.write(page)) await once(process.stdout, 'drain');
}

async function printWhole(first: DiffResult, pages: AsyncIterable<Buffer>, stat: boolean): Promise<number> {
  const all: Buffer[] = [];
  for await (const page of pages) all.push(page);
  const text = Buffer.concat(all);
  const name = stat ? 'stat' : 'patch';
  const { record, base, folder, commit, branch, files, files_total, notes } = first;
  printJson({
    ...{ summary: diffSummary(first), job: jobView(record, false) },
    ...{ base, folder, commit, branch, files, files_total, notes },
    ...(isUtf8(text) ? { [name]: text.toString() } : { [`${name}_base64`]: text.toString('base64') }),
    next: nextStep(record),
  });
  return EXIT.done;
}
