import { dirname, join, resolve } from 'node:path';
import { orElse } from '../base/or-else.ts';
import { readForeign } from '../trust/files.ts';
import { worktreeAround } from './worktree-around.ts';

/** A repository may have as many refs as fit into this, in bytes. */
const MOST_BYTES = 64 * 1024 * 1024;
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** The folder that all worktrees of the repository around a folder share, as its files name it; undefined outside of one. */
export function commonFolder(folder: string): string | undefined {
  const git = gitFolder(folder);
  return git && commonOf(git);
}

/**
 * What is checked out, read from git's files: at once, where to run git would take time.
 * @returns undefined if only git can say
 */
export function readHead(folder: string): { head?: string; branch?: string } | undefined {
  const git = gitFolder(folder);
  const text = git === undefined ? '' : textOf(join(git, 'HEAD'));
  if (COMMIT.test(text)) return { head: text };
  const ref = /^ref: (refs\/heads\/(?!\.invalid$).+)$/.exec(text)?.[1];
  if (git === undefined || ref === undefined || ref.split('/').includes('..')) return undefined;
  const common = commonOf(git);
  const loose = textOf(join(common, ref));
  const head = COMMIT.test(loose) ? loose : packed(common, ref);
  const branch = ref.slice('refs/heads/'.length);
  // Without a commit there may be a way to keep refs that is not known here.
  return head === undefined ? undefined : { head, branch };
}

function packed(common: string, ref: string): string | undefined {
  const text = textOf(join(common, 'packed-refs'));
  const at = `\n${text}\n`.indexOf(` ${ref}\n`);
  const commit = at < 0 ? '' : `\n${text}`.slice(0, at).split('\n').at(-1);
  return commit !== undefined && COMMIT.test(commit) ? commit : undefined;
}

function gitFolder(folder: string): string | undefined {
  const top = worktreeAround(folder);
  if (top === undefined) return undefined;
  const git = join(top, '.git');
  const named = /^gitdir: (.+)$/.exec(textOf(git))?.[1];
  return named === undefined ? git : resolve(dirname(git), named);
}

function commonOf(git: string): string {
  const named = textOf(join(git, 'commondir'));
  return named === '' ? git : resolve(git, named);
}

/** Empty for what is not a plain file. */
function textOf(path: string): string {
  return orElse(() => readForeign(path, MOST_BYTES).trimEnd(), '');
}
