import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { findProgram } from '../../src/base/find-program.ts';
import { JobTrees } from '../support/job-trees.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { isRunning, signal } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** How many files a merge writes: enough that a kill finds it in the middle. */
const FILES = 120;
/** How many times the power is cut, and how much later (ms) in the merge each time. */
const ROUNDS = 8;
const STEP_MS = 6;
const LOCKS = ['index.lock', 'HEAD.lock', 'ORIG_HEAD.lock', 'MERGE_HEAD', 'refs/heads/main.lock'];

/** Kills everything that runs in a lab, as a power cut would. */
async function cutPower(lab: Lab): Promise<void> {
  for (let left = lab.processes; left.length > 0; left = lab.processes) {
    for (const hub of lab.hubs) lab.killedHubs.add(hub);
    for (const { pid } of left) signal(pid, 'SIGKILL');
    await until('all are gone', () => left.every(({ pid }) => !isRunning(pid)));
  }
}

/**
 * A git that stands still in the middle of a command, as on a slow disk: a fast one is over before anybody could kill it.
 * @returns the environment of whoever asks for it
 */
function standingStill(
  lab: Lab,
  { env }: JobTrees,
  command: string,
  afterMs: number,
): Record<string, string> {
  const path = env['PATH'] ?? lab.env['PATH'] ?? '';
  const git = findProgram('git', path);
  const lines = [
    '#!/bin/sh',
    `case " $* " in *" ${command} "*) ;; *) exec '${git}' "$@";; esac`,
    `'${git}' "$@" &`,
    `sleep ${afterMs / 1_000}; kill -STOP $!; echo > '${join(lab.project, 'still')}'; wait $!`,
  ];
  lab.write('slow/git', `${lines.join('\n')}\n`, 0o755);
  return { ...env, PATH: `${join(lab.project, 'slow')}:${path}` };
}

/** Jobs whose branches change, add and remove many files, next to a user at work. */
async function manyFiles(lab: Lab, id: string, isForward: boolean): Promise<JobTrees> {
  const all = new JobTrees(lab);
  const { repo } = all;
  for (let at = 0; at < FILES; at++) repo.write(`src/${at % 7}/file ${at} ü.txt`, `${at}\n`.repeat(40));
  repo.git('add', '.');
  repo.git('commit', '-q', '-m', 'Many');
  const tree = all.job(id);
  for (let at = 0; at < FILES; at++) {
    if (at % 10 === 3) repo.gitIn(tree.folder, 'rm', '-q', `src/${at % 7}/file ${at} ü.txt`);
    else repo.write(`src/${at % 7}/file ${at} ü.txt`, `${at} changed\n`.repeat(60), tree.folder);
    if (at % 3 === 0) repo.write(`new/${at}/${at}.txt`, `new ${at}\n`.repeat(50), tree.folder);
  }
  repo.gitIn(tree.folder, 'add', '-A');
  repo.gitIn(tree.folder, 'commit', '-q', '-m', 'Work');
  await all.end(id);
  if (!isForward) repo.commit('other.txt', 'other\n');
  // The user is at work there too.
  repo.write('readme.txt', 'my own change\n');
  repo.write('new/mine.txt', 'mine\n');
  return all;
}

function expectUsersFiles({ repo }: JobTrees): void {
  expect(readFileSync(join(repo.folder, 'readme.txt'), 'utf8')).toBe('my own change\n');
  expect(readFileSync(join(repo.folder, 'new/mine.txt'), 'utf8')).toBe('mine\n');
}

/** The merge is whole: nothing is left to commit but what is the user's. */
function expectMerged(lab: Lab, all: JobTrees, id: string): void {
  const { repo } = all;
  expect(repo.git('status', '--porcelain', '--untracked-files=all').split('\n').sort()).toEqual([
    ' M readme.txt',
    '?? new/mine.txt',
  ]);
  expect(LOCKS.filter((name) => existsSync(join(repo.folder, '.git', name)))).toEqual([]);
  repo.git('merge-base', '--is-ancestor', `mam/${id}`, 'main');
  expectUsersFiles(all);
  const merged = lab.types(id).filter((type) => type === 'merged');
  expect(merged).toEqual(['merged']);
  expect(lab.record(id).merged).toMatchObject({ into: 'main', commit: repo.git('rev-parse', 'main') });
  expect(lab.inHome('trees')).toEqual([]);
}

const HOOKS = [
  ...['pre-merge-commit', 'prepare-commit-msg', 'commit-msg', 'post-merge'].map((hook) => [hook, '']),
  ...['prepared', 'committed'].map((state) => ['reference-transaction', state]),
] as [string, string][];

test.for([
  ...HOOKS.map(([hook, state]) => [hook, state, false] as const),
  ...HOOKS.slice(3).map(([hook, state]) => [hook, state, true] as const),
  ['smudge', '', false] as const,
  ['smudge', '', true] as const,
])(
  'a merge whose hub and git are killed at %s %s ends whole all the same (forward: %s)',
  async ([hook, state, isForward], { lab }) => {
    const id = 'k2illed';
    const all = await manyFiles(lab, id, isForward);
    const { repo } = all;
    const once = join(lab.project, 'killed-once');
    const hub = await lab.hubPid();
    lab.killedHubs.add(hub);
    // The first time it kills git and the hub, and then itself. Git starts a filter through a shell, but no hook.
    const git = hook === 'smudge' ? 'read -r _ _ _ git _ < /proc/$PPID/stat' : 'git=$PPID';
    const kill = `if [ ! -e '${once}' ]; then : > '${once}'; ${git}; kill -9 ${hub} $git; kill -9 $$; fi`;
    const script = join(lab.project, 'kill.sh');
    if (hook === 'smudge') {
      writeFileSync(script, `#!/bin/sh\ncase "$1" in *"file 60 "*) ${kill};; esac\ncat\n`);
      repo.git('config', 'filter.slow.smudge', `'${script}' %f`);
      repo.git('config', 'filter.slow.clean', 'cat');
      writeFileSync(join(repo.folder, '.git/info/attributes'), 'src/** filter=slow\n');
    } else {
      const when = state === '' ? 'true' : `[ "$1" = ${state} ] && grep -q refs/heads/main`;
      writeFileSync(script, `#!/bin/sh\nif ${when}; then ${kill}; fi\n`);
      writeFileSync(join(repo.folder, '.git/hooks', hook), `#!/bin/sh\nexec '${script}' "$@"\n`);
      chmodSync(join(repo.folder, '.git/hooks', hook), 0o755);
    }
    chmodSync(script, 0o755);
    // Its client finds the next hub by itself, and asks again.
    const ended = await all.mam('merge', id);
    expect(existsSync(once)).toBe(true);
    expect(ended).toMatchObject({ code: 0 });
    expectMerged(lab, all, id);
  },
);

test('a merge whose hub alone is killed goes on: the next one names it until it has ended, then has its work', async ({
  lab,
}) => {
  const id = 'k2illed';
  const all = await manyFiles(lab, id, false);
  const hub = await lab.hubPid();
  lab.killedHubs.add(hub);
  const [once, go] = [join(lab.project, 'killed-once'), join(lab.project, 'go')];
  execFileSync('mkfifo', [go]);
  const kill = `if [ ! -e '${once}' ]; then : > '${once}'; kill -9 ${hub}; read -r _ < '${go}'; fi`;
  lab.write('smudge.sh', `#!/bin/sh\ncase "$1" in *"file 60 "*) ${kill};; esac\ncat\n`, 0o755);
  all.repo.git('config', 'filter.slow.smudge', `'${join(lab.project, 'smudge.sh')}' %f`);
  all.repo.git('config', 'filter.slow.clean', 'cat');
  writeFileSync(join(all.repo.folder, '.git/info/attributes'), 'src/** filter=slow\n');
  const told = await all.mam('merge', id);
  expect(told.code).toBe(69);
  const named = /still runs \(process ([\d, ]+)\)/.exec(told.stderr)?.[1] ?? '';
  writeFileSync(go, '\n');
  rmSync(go);
  await until('it has ended', () => named.split(', ').every((pid) => !isRunning(Number(pid))));
  expect(await all.mam('merge', id)).toMatchObject({ code: 0 });
  expectMerged(lab, all, id);
});

test('the power may be cut at any moment of a merge: the next one goes on, and a user at work loses nothing', async ({
  lab,
}) => {
  const all = await manyFiles(lab, 'f2irst', true);
  const { repo } = all;
  expect(await all.mam('merge', 'f2irst')).toMatchObject({ code: 0 });
  let inTheMiddle = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const id = `c2ut${round}`;
    const tree = all.job(id);
    for (let at = round; at < FILES; at += 2)
      repo.write(`src/${at % 7}/again ${at}.txt`, `${id} ${at}\n`.repeat(60), tree.folder);
    repo.gitIn(tree.folder, 'add', '-A');
    repo.gitIn(tree.folder, 'commit', '-q', '-m', id);
    await all.end(id);
    if (round % 2 === 1) repo.commit(`other ${round}.txt`, 'other\n');
    const env = standingStill(lab, all, 'merge --quiet', round * STEP_MS);
    const running = lab.start(['merge', id], { cwd: repo.folder, env, input: '' });
    const still = join(lab.project, 'still');
    await until('the merge stands still', () => existsSync(still));
    await cutPower(lab);
    rmSync(still);
    await running.ended;
    if (lab.inHome('trees').includes(`${id}.json`)) inTheMiddle += 1;
    expectUsersFiles(all);
    expect(await all.mam('merge', id)).toMatchObject({ code: 0 });
    expectMerged(lab, all, id);
  }
  expect(inTheMiddle).toBeGreaterThan(ROUNDS / 3);
});

test('the power may be cut at any moment of a removal: the next one ends it, and the branch is whole', async ({
  lab,
}) => {
  const all = await manyFiles(lab, 'f2irst', true);
  const { repo } = all;
  expect(await all.mam('merge', 'f2irst')).toMatchObject({ code: 0 });
  let inTheMiddle = 0;
  for (let round = 0; round < 4; round++) {
    const id = `r2emoved${round}`;
    const tree = all.job(id);
    // Enough to be met in the middle.
    for (let at = 0; at < 5 * FILES; at++) repo.write(`${id}/${at % 50}/${at}.txt`, `${at}\n`, tree.folder);
    repo.gitIn(tree.folder, 'add', '-A');
    repo.gitIn(tree.folder, 'commit', '-q', '-m', id);
    const tip = repo.gitIn(tree.folder, 'rev-parse', 'HEAD');
    await all.end(id);
    expect(await all.mam('merge', id)).toMatchObject({ code: 0 });
    const args = ['discard', id, '--yes', ...(round % 2 === 1 ? ['--branch'] : [])];
    const env = standingStill(lab, all, 'worktree remove', round * STEP_MS);
    const running = lab.start(args, { cwd: repo.folder, env, input: '' });
    const still = join(lab.project, 'still');
    await until('the removal stands still', () => existsSync(still));
    await cutPower(lab);
    rmSync(still);
    await running.ended;
    if (lab.inHome('trees').includes(`${id}.json`)) inTheMiddle += 1;
    expect(await all.mam(...args)).toMatchObject({ code: 0 });
    expect(existsSync(tree.folder)).toBe(false);
    expect(repo.git('worktree', 'list')).not.toContain(id);
    expect(lab.inHome('trees')).toEqual([]);
    expect(lab.types(id).filter((type) => type === 'discarded')).toEqual(['discarded']);
    const branch = repo.git('branch', '--list', '--format=%(objectname)', tree.branch);
    expect(branch).toBe(round % 2 === 1 ? '' : tip);
    expect(lab.record(id).discarded?.commit).toBe(round % 2 === 1 ? tip : undefined);
    expectUsersFiles(all);
  }
  expect(inTheMiddle).toBeGreaterThan(1);
});
