import type { Check } from './check.ts';
import { note, ok } from './finding.ts';
import { isAtLeast, numberIn } from './programs.ts';

/**
 * `git rev-parse --path-format` and settings from the environment, without which no folder is looked at (2.31); a worktree
 * that is locked with a reason as it is made (2.33); `git merge-tree`, which merges without touching a file (2.38).
 */
const NEEDED = [
  ['2.31', 'what jobs have changed, worktrees for jobs, and `mam diff`, `mam merge` and `mam discard`'],
  ['2.33', 'worktrees for jobs, and `mam merge`'],
  ['2.38', '`mam merge` of branches that both have gone on'],
] as const;
const INSTALL = 'apt-get install git (Debian, Ubuntu) or brew install git (macOS)';

/** The program git, without which jobs still run. */
export const git: Check = {
  name: 'git',
  area: 'program',
  limitMs: 6_000,

  async look({ programs }) {
    const path = programs.find('git');
    const id = 'git.version';
    if (path === undefined) {
      const title = 'git is not installed, or not on the PATH.';
      const without = 'Without it, jobs get no worktrees, and nobody is told what they have changed.';
      return [note(id, title, `${without} Install it: ${INSTALL}.`)];
    }
    const said = await programs.version('git', '--version');
    const version = said === undefined ? undefined : numberIn(said);
    if (said === undefined || version === undefined)
      return [
        note(id, `${path} does not report its version.`, `Run \`${path} --version\` and see what it says.`),
      ];
    const lacking = NEEDED.find(([least]) => !isAtLeast(version, least));
    if (lacking === undefined) return [ok(id, `${said} at ${path}`)];
    const [least, what] = lacking;
    return [note(id, `${said} is too old for ${what}.`, `Install ${least} or newer: ${INSTALL}.`)];
  },
};
