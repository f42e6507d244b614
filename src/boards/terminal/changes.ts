import { join } from 'node:path';
import { orElse } from '../../base/or-else.ts';
import { counted } from '../../base/text.ts';
import { headOfForeign } from '../../trust/files.ts';
import { dayAndTime } from '../../view/times.ts';
import { Git, type Printed } from './git.ts';
import type { TextLine } from './texts.ts';

const DIFF = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=all', '--no-color', '--find-renames'];
/** New files whose text is shown, and how much of each. */
const MAX_NEW = 50;
const NEW_BYTES = 32 * 1024;
const MAX_LINES = 20_000;
const STAT_WIDTH = 76;

/**
 * What changed in a job's working folder since the job was delegated, from git, read only.
 * @param made when that was, ISO 8601
 */
export async function changesOf(folder: string, made: string): Promise<TextLine[]> {
  const place: TextLine = { text: folder, tone: 'head' };
  const git = new Git(folder);
  const top = await git.run(['rev-parse', '--show-toplevel', '--show-prefix']);
  if (top.code !== 0) return [place, { text: '' }, ...whyNot(top)];
  const base = await baseOf(git, made);
  await git.distrust();
  const [stat, status, diff] = await Promise.all([
    git.run(['diff', ...DIFF, `--stat=${STAT_WIDTH}`, base.commit, '--', '.']),
    git.run(['ls-files', '--others', '--exclude-standard', '-z', '--', '.']),
    git.run(['diff', ...DIFF, base.commit, '--', '.']),
  ]).finally(() => git.end());
  const failed = [stat, status, diff].find(({ code, isCut }) => code !== 0 && !isCut);
  const head = [place, { text: base.words, tone: 'dim' as const }, { text: '' }];
  if (failed !== undefined) return [...head, ...whyNot(failed)];
  const added = status.stdout.split('\0').filter(Boolean);
  if (diff.stdout === '' && added.length === 0) return [...head, { text: 'Nothing has changed.' }];
  const lines = [
    ...head,
    ...linesOf(stat.stdout).map((text) => ({ text })),
    ...newFilesLines(added, status.isCut),
    { text: '' },
    ...linesOf(diff.stdout).map(painted),
    ...(diff.isCut ? [cut('The rest is too long to be shown.')] : []),
    ...added.slice(0, MAX_NEW).flatMap((name) => newFile(folder, name)),
    ...(added.length > MAX_NEW ? [cut(`${added.length - MAX_NEW} more new files are not shown.`)] : []),
  ];
  return lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), cut('The rest is not shown.')];
}

/** What the folder is compared with: the commit that was checked out when the job was delegated. */
async function baseOf(git: Git, made: string): Promise<{ commit: string; words: string }> {
  const head = await git.run(['rev-parse', '--verify', '--quiet', '--short', 'HEAD^{commit}']);
  if (head.code !== 0) {
    const { stdout } = await git.run(['hash-object', '-t', 'tree', '/dev/null']);
    return { commit: stdout.trim(), words: 'There is no commit yet: every file is new.' };
  }
  const then = await git.run(['rev-parse', '--verify', '--short', `HEAD@{${timeIn(made)}}^{commit}`]);
  const when = dayAndTime(made);
  const [now, before] = [head.stdout.trim(), then.stdout.trim()];
  if (then.code !== 0 || before === '')
    return {
      commit: now,
      words: `Compared with HEAD (${now}); it is not known what was checked out ${when}.`,
    };
  const at = before === now ? `${before} (HEAD)` : before;
  // Then git returns the first commit that it knows of, and says so.
  if (/only goes back to/.test(then.stderr))
    return {
      commit: before,
      words: `Compared with ${at}, the first commit here since the job was delegated (${when}).`,
    };
  return { commit: before, words: `Compared with ${at}, checked out when the job was delegated (${when}).` };
}

/** A time as git reads it. */
function timeIn(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19)}Z`;
}

function whyNot({ stderr, problem }: Printed): TextLine[] {
  if (problem !== undefined) return [{ text: `Nothing can be shown: ${problem}.`, tone: 'mark' }];
  if (/cannot change to/.test(stderr))
    return [{ text: 'This folder is gone, or cannot be read.', tone: 'mark' }];
  if (/not a git repository|must be run in a work tree/.test(stderr))
    return [{ text: 'This folder is not in a git repository, so its changes are not known.', tone: 'mark' }];
  if (/dubious ownership/.test(stderr))
    return [{ text: 'Git does not trust this folder: it belongs to another user.', tone: 'mark' }];
  return [
    { text: 'Git could not read this folder:', tone: 'mark' },
    ...linesOf(stderr).map((text) => ({ text })),
  ];
}

function newFilesLines(names: readonly string[], isCut: boolean): TextLine[] {
  if (names.length === 0) return [];
  const count = `${counted(names.length, 'untracked file')}${isCut ? ' or more' : ''}:`;
  const more = names.length > MAX_NEW ? [cut(`and ${names.length - MAX_NEW} more`)] : [];
  return [
    { text: ` ${count}` },
    ...names.slice(0, MAX_NEW).map((name) => ({ text: `   ${oneLine(name)}`, tone: 'good' as const })),
    ...more,
  ];
}

/** A new file as a diff shows it; never through a link, and never waiting for a pipe. */
function newFile(folder: string, name: string): TextLine[] {
  const head: TextLine[] = [{ text: '' }, { text: `new file ${oneLine(name)}`, tone: 'head' }];
  const read = orElse(() => headOfForeign(join(folder, name), NEW_BYTES), undefined);
  if (read === undefined) return [...head, { text: 'Not a plain file, or not readable.', tone: 'dim' }];
  if (read.head.includes(0)) return [...head, { text: `Not a text file; ${read.size} bytes.`, tone: 'dim' }];
  const lines = linesOf(read.head.toString()).map((line) => ({ text: `+${line}`, tone: 'good' as const }));
  const rest = read.size > read.head.length ? [cut(`${read.size - read.head.length} more bytes.`)] : [];
  return [...head, ...lines, ...rest];
}

function painted(text: string): TextLine {
  if (/^(?:diff |--- |\+\+\+ )/.test(text)) return { text, tone: 'head' };
  if (text.startsWith('@@')) return { text, tone: 'mark' };
  if (text.startsWith('+')) return { text, tone: 'good' };
  return text.startsWith('-') ? { text, tone: 'bad' } : { text };
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function oneLine(name: string): string {
  return name.replace(/\s/g, ' ');
}

function cut(text: string): TextLine {
  return { text: `… ${text}`, tone: 'dim' };
}
