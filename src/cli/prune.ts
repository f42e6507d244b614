import { flag, text } from '../base/fields.ts';
import { shellWord } from '../base/shell.ts';
import { bytesText, clean, counted } from '../base/text.ts';
import type { PruneResult } from '../operations/housekeeping.ts';
import { dayAndTime } from '../view/times.ts';
import { defineCommand } from './core/command.ts';
import { note, print, printAnswer } from './core/output.ts';
import { inStatusColour } from './jobs/job-text.ts';
import { cutoffOf } from './jobs/prune-cutoff.ts';
import { withHub } from './jobs/with-hub.ts';

/** Limit for one page of a prune, which reads and moves a hundred jobs; in ms. */
const PART_MS = 60_000;

export default defineCommand({
  about: [
    'Removes the folders of final jobs that ended longer ago than an age, or before a date. Nothing is ever pruned automatically.',
    'Open jobs and separate log folders (MAM_LOGS_DIR) are kept. A job whose files are damaged, or that has files that ' +
      'are not from mam, is kept and reported.',
    'The git worktree of such a job is removed with it, but only if other branches have all that is in it; otherwise ' +
      'both are kept and named. Branches always stay.',
  ],
  options: {
    older_than: text('an age in s, m, h, d or w, such as 5m or 30d, or a date such as 2026-10-31', {
      value: 'AGE',
    }),
    dry_run: flag('only show what would be removed'),
  },
  json:
    '`summary`, `pruned` (`job_id`, `status`, `final_at`, `bytes`, `worktree` of each), `kept` (`job_id` and `why` of each that was ' +
    'kept although it may be old enough), `count`, `bytes`, `before`, `dry_run`, `registry_dir`, `next`.',
  exits: { done: 'done, even if nothing was old enough or something was kept' },
  examples: ['mam prune --older-than 30d --dry-run', 'mam prune --older-than 30d'],

  run: ({ options, registryDir, json }) => {
    const { older_than, dry_run } = options;
    // Checked before a hub is started for it.
    const before = cutoffOf(older_than, Date.now());
    return withHub(registryDir, async ({ settings: { registryDir: dir }, ask }) => {
      const all: Required<Pick<PruneResult, 'pruned' | 'kept'>> = { pruned: [], kept: [] };
      let cursor: string | undefined;
      try {
        do {
          const part = await ask('prune', { registry_dir: dir, before, dry_run, cursor }, PART_MS);
          all.pruned.push(...part.pruned);
          all.kept.push(...part.kept);
          for (const { job_id, why } of part.kept) note(`${job_id} is kept. ${why}`);
          cursor = part.cursor;
        } while (cursor !== undefined);
      } finally {
        // Jobs come in the order of their delegation. What was removed is printed even if the rest fails.
        all.pruned.sort((a, b) => a.final_at.localeCompare(b.final_at));
        if (!json) for (const job of all.pruned) print(lineOf(job));
      }
      const count = all.pruned.length;
      const bytes = all.pruned.reduce((sum, job) => sum + job.bytes, 0);
      const verb = dry_run ? 'Would prune' : 'Pruned';
      const kept =
        all.kept.length === 0
          ? ''
          : ` Kept, although perhaps old enough: ${counted(all.kept.length, 'job')}.`;
      const summary = `${verb} ${counted(count, 'job')} (${bytesText(bytes)}) that ended before ${dayAndTime(before)}.${kept}`;
      const next = dry_run ? `mam prune --older-than ${shellWord(older_than)}` : 'mam list';
      const view = { summary, ...all, count, bytes, before, dry_run, registry_dir: dir, next };
      return printAnswer(json, view, summary);
    });
  },
});

function lineOf({ job_id, status, final_at, bytes, worktree }: PruneResult['pruned'][number]): string {
  const tree = worktree === undefined ? '' : `  with its worktree ${clean(worktree)}`;
  return `${dayAndTime(final_at)}  ${inStatusColour({ status }, status.padEnd(9))}  ${bytesText(bytes).padStart(8)}  ${job_id}${tree}`;
}
