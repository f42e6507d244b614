import { clean, cleanLine, counted, someOf } from '../base/text.ts';
import type { GitLook, JobChanges, Overlap, Stat } from '../job/changes.ts';
import type { JobRecord } from '../job/record.ts';

/** How many files and jobs a sentence names. */
const NAMED = 3;
const NAME_CHARS = 80;
/** As much of a commit's id as people use. */
const SHORT_ID = 8;

/** What is checked out, such as `main at 1a2b3c4d`. */
export function headText({ head, branch }: Pick<GitLook, 'head' | 'branch'>): string {
  const at = head === undefined ? 'without a commit' : `at ${head.slice(0, SHORT_ID)}`;
  return branch === undefined ? `detached HEAD ${at}` : `${cleanLine(branch, NAME_CHARS)} ${at}`;
}

/** What git said about a job's folder at its start, as a sentence. Files that git does not follow were not counted. */
export function startText({ start, unknown }: JobChanges): string {
  if (start === undefined) return `What git says about its folder is not known: ${unknown ?? 'no look'}.`;
  const { dirty_count: count } = start;
  const dirty =
    count === undefined
      ? `uncommitted files are not known: ${unknown ?? 'no look'}`
      : count === 0
        ? 'no tracked file changed'
        : `${counted(count, 'tracked file')} not committed (${namesOf(start.dirty, count)})`;
  return `${headText(start)}, ${dirty}.`;
}

/**
 * What changed in a job's folder between its start and its end, as git counts it: `3 files changed, 10 insertions(+), 2
 * deletions(-) in 2 commits; 1 file not committed`.
 */
export function changesText(changes: JobChanges): string {
  const { end, unknown } = changes;
  if (end === undefined) return unknown === undefined ? '' : `not known: ${unknown}`;
  const parts = [committedText(changes), uncommittedText(changes)];
  const why = unknown === undefined ? [] : [`not known: ${unknown}`];
  const known = parts.filter((part) => part !== '');
  if (known.length === 0 && unknown === undefined) return 'nothing changed';
  return [...known, ...why].join('; ');
}

/** The same with the jobs that changed the same files; undefined while nothing is known. */
export function changesLine({
  changes,
  overlaps,
}: Pick<JobRecord, 'changes' | 'overlaps'>): string | undefined {
  const text = changes === undefined ? '' : changesText(changes);
  if (text === '') return undefined;
  return overlaps === undefined ? `${text}.` : `${text}. ${overlapText(overlaps)}`;
}

/** What an answer says about a job's folder, with the sentence for people first. */
export function changesView({ names_sha256: _, start, ...changes }: JobChanges) {
  const { names_sha256: __, ...shown } = start ?? { at: '' };
  const text = changesText({ ...changes, start });
  return { ...(text !== '' && { text }), ...changes, ...(start && { start: shown }) };
}

function committedText({ start, end, commit_count: count, left_behind: left = 0, stat }: JobChanges): string {
  if (start === undefined || end === undefined || count === undefined) return '';
  const isSwitched = start.branch !== end.branch && start.head !== end.head;
  if (left > 0 || isSwitched) {
    const how = start.branch === end.branch ? ' (history was rewritten)' : '';
    const only = `${counted(count, 'commit')} only in the second, ${left} only in the first`;
    const differ = stat === undefined ? '' : `; between them ${statText(stat)}`;
    return `HEAD went from ${headText(start)} to ${headText(end)}${how}: ${only}${differ}`;
  }
  if (count === 0) return start.branch === end.branch ? '' : `HEAD is now ${headText(end)}`;
  const files = stat === undefined ? 'changes' : statText(stat);
  return `${files} in ${counted(count, 'commit')}`;
}

/** As `git diff --shortstat` says it. */
export function statText({ files, insertions, deletions }: Stat): string {
  const lines = [
    insertions > 0 || deletions === 0 ? `${counted(insertions, 'insertion')}(+)` : '',
    deletions > 0 || insertions === 0 ? `${counted(deletions, 'deletion')}(-)` : '',
  ].filter((text) => text !== '');
  return [`${counted(files, 'file')} changed`, ...lines].join(', ');
}

function uncommittedText({ start, end, uncommitted: lines }: JobChanges): string {
  const count = end?.dirty_count;
  if (end === undefined || count === undefined || count === 0) return '';
  const much =
    lines === undefined || lines.insertions + lines.deletions === 0
      ? ''
      : `, +${lines.insertions} -${lines.deletions}`;
  const before = end.dirty?.filter(({ as_at_start: isOld }) => isOld === true).length ?? 0;
  // Of those that did not fit it is not said here.
  const isWhole = end.dirty?.length === count;
  const old =
    start === undefined || before === 0 ? '' : `; ${before === count ? 'all' : before} as at its start`;
  return `${counted(count, 'file')} not committed (${namesOf(end.dirty, count)}${much}${isWhole ? old : ''})`;
}

function namesOf(files: readonly { path: string }[] = [], count: number): string {
  const names = files.slice(0, NAMED).map(({ path }) => cleanLine(path, NAME_CHARS));
  const more = count - names.length;
  if (names.length === 0) return `${counted(count, 'name')} left out`;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The jobs that changed the same files, a sentence each. */
export function overlapText(overlaps: readonly Overlap[]): string {
  const said = overlaps.slice(0, NAMED).map(({ job_id, same_folder: isSame, files, count }) => {
    const names = someOf(
      files.slice(0, NAMED).map((file) => cleanLine(file, NAME_CHARS)),
      NAMED,
    );
    const more =
      count > Math.min(files.length, NAMED) ? ` and ${count - Math.min(files.length, NAMED)} more` : '';
    const what = names === '' ? counted(count, 'file') : `${names}${more}`;
    return isSame === true
      ? `Job ${clean(job_id)} ran in this folder at the same time, and git cannot tell whose changes are whose: ${what}.`
      : `Job ${clean(job_id)} changed the same ${count === 1 ? 'file' : 'files'}: ${what}.`;
  });
  const more = overlaps.length - said.length;
  return [...said, ...(more > 0 ? [`${counted(more, 'more job')} did so.`] : [])].join(' ');
}
