import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { JobTrees } from '../support/job-trees.ts';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';

const test = sharing;
let count = 0;

/** A repository of its own for each test. */
function trees(lab: Lab): JobTrees {
  return new JobTrees(lab, `räpo ${++count}`);
}

/** Everything that a merge that failed must have left alone: HEAD, index, files and what git says about them. */
function stateOf({ repo }: JobTrees) {
  const index = join(repo.folder, '.git/index');
  const status = repo.git('status', '--porcelain=v2', '--branch', '--untracked-files=all', '--ignored');
  const names = status
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(' ').at(-1) ?? '');
  const files = [...repo.git('ls-files').split('\n'), ...names].map((name) => {
    const path = join(repo.folder, name);
    return [name, existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'latin1') : null];
  });
  return {
    status,
    head: readFileSync(join(repo.folder, '.git/HEAD'), 'utf8'),
    commit: repo.git('rev-parse', 'HEAD'),
    staged: repo.git('ls-files', '--stage'),
    index: readFileSync(index).toString('latin1'),
    files,
    pending: ['MERGE_HEAD', 'index.lock', 'HEAD.lock'].filter((name) =>
      existsSync(join(repo.folder, '.git', name)),
    ),
    worktrees: repo.git('worktree', 'list'),
    stash: repo.git('stash', 'list'),
  };
}

test('a branch that has only gone on is moved forward; a second merge says that it is there already', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('f2forward');
  const first = await all.mam('merge', 'f2forward');
  const tip = all.repo.git('rev-parse', tree.branch);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toBe(
    `main in ${all.repo.folder} was moved forward to mam/f2forward (${tip.slice(0, 10)}).\n`,
  );
  expect(all.repo.git('rev-parse', 'main')).toBe(tip);
  expect(readFileSync(join(all.repo.folder, 'f2forward.txt'), 'utf8')).toBe('f2forward\n');
  const record = lab.record('f2forward');
  expect(record).toMatchObject({ status: 'completed', merged: { into: 'main', commit: tip } });
  expect(lab.events('f2forward').at(-1)).toMatchObject({
    type: 'merged',
    source: 'person',
    data: { into: 'main', commit: tip },
  });
  const again = await all.mam('merge', 'f2forward', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ how: 'already', commit: tip, into: 'main' });
  expect(again.code).toBe(0);
  expect(lab.record('f2forward').seq).toBe(record.seq);
});

test('otherwise git makes a merge commit, with the hooks of the repository and the PATH of the caller', async ({
  lab,
}) => {
  const all = trees(lab);
  await all.done('m2commit', 'ü b/neu.txt');
  all.repo.commit('other.txt', 'other\n');
  const bin = join(lab.project, 'bin');
  lab.write('bin/own-tool', '#!/bin/sh\necho own tool ran\n', 0o755);
  for (const hook of ['pre-merge-commit', 'commit-msg', 'post-merge']) {
    const file = join(all.repo.folder, '.git/hooks', hook);
    writeFileSync(file, `#!/bin/sh\necho ${hook} >> "$(git rev-parse --git-common-dir)/ran"\nown-tool\n`);
    chmodSync(file, 0o755);
  }
  const env = { ...all.env, PATH: `${bin}:${process.env['PATH']}` };
  const merged = await lab.start(['merge', 'm2commit'], { cwd: join(all.repo.folder), env, input: '' }).ended;
  expect(merged).toMatchObject({ code: 0, stdout: expect.stringContaining('was merged into main in') });
  expect(merged.stderr).toContain('own tool ran');
  expect(readFileSync(join(all.repo.folder, '.git/ran'), 'utf8')).toBe(
    'pre-merge-commit\ncommit-msg\npost-merge\n',
  );
  expect(all.repo.git('log', '-1', '--format=%P').split(' ')).toHaveLength(2);
  expect(all.repo.git('log', '-1', '--format=%B')).toBe(
    "Merge branch 'mam/m2commit' into main\n\nThe work of job m2commit.\n",
  );
  expect(lab.record('m2commit').merged?.commit).toBe(all.repo.git('rev-parse', 'HEAD'));
});

test('of ten jobs three conflict: each of those leaves everything as it was, and says what to do', async ({
  lab,
}) => {
  const all = trees(lab);
  all.repo.commit('shared.txt', 'one\ntwo\nthree\n');
  const ids = Array.from({ length: 10 }, (_, at) => `t${(at % 8) + 2}en${at}x`);
  const conflicting = ids.slice(3, 7);
  for (const id of ids) {
    const tree = all.job(id);
    if (conflicting.includes(id))
      all.repo.commit('shared.txt', `one\n${id}\nthree\n`, `Work of ${id}`, tree.folder);
    else all.repo.commit(`${id}.txt`, id, `Work of ${id}`, tree.folder);
    await all.end(id);
  }
  // The user is at work too: none of this may be touched.
  all.repo.write('readme.txt', 'my own change\n');
  all.repo.write('mine, untracked.txt', 'mine\n');
  const results = await Promise.all(ids.map(async (id) => ({ id, ended: await all.mam('merge', id) })));
  const failed = results.filter(({ ended }) => ended.code !== 0);
  expect(failed).toHaveLength(3);
  for (const { id, ended } of failed) {
    expect(conflicting).toContain(id);
    expect(ended).toMatchObject({ code: 69, stdout: '' });
    expect(ended.stderr).toMatch(
      /have both changed shared\.txt: the merge has conflicts there\. Nothing was changed\./,
    );
    expect(ended.stderr).toContain(`git -C ${lab.record(id).worktree?.folder} merge main`);
    const before = stateOf(all);
    expect((await all.mam('merge', id)).code).toBe(69);
    expect(stateOf(all)).toEqual(before);
    expect(lab.record(id).merged).toBeUndefined();
  }
  expect(readFileSync(join(all.repo.folder, 'readme.txt'), 'utf8')).toBe('my own change\n');
  for (const id of ids.filter((one) => !conflicting.includes(one)))
    expect(readFileSync(join(all.repo.folder, `${id}.txt`), 'utf8')).toBe(id);
});

test('what the merge would meet is named, whether git follows it, ignores it or does not know it', async ({
  lab,
}) => {
  const all = trees(lab);
  all.repo.commit('.gitignore', 'secret*\n');
  const tree = all.job('d2dirty');
  all.repo.commit('readme.txt', 'theirs\n', 'Change', tree.folder);
  all.repo.write('secret.env', 'theirs\n', tree.folder);
  all.repo.gitIn(tree.folder, 'add', '-f', 'secret.env');
  all.repo.gitIn(tree.folder, 'commit', '-q', '-m', 'Add');
  all.repo.commit('new.txt', 'theirs\n', 'New', tree.folder);
  await all.end('d2dirty');
  all.repo.write('readme.txt', 'mine\n');
  all.repo.write('secret.env', 'mine\n');
  all.repo.write('new.txt', 'mine\n');
  const before = stateOf(all);
  const refused = await all.mam('merge', 'd2dirty');
  expect(refused.code).toBe(69);
  expect(refused.stderr).toContain(
    'has changes that are not committed in readme.txt, and new files that are not committed: 2 files (new.txt, secret.env)',
  );
  expect(stateOf(all)).toEqual(before);
  // The same content is no reason to take it away.
  all.repo.write('readme.txt', 'theirs\n');
  rmSync(join(all.repo.folder, 'secret.env'));
  rmSync(join(all.repo.folder, 'new.txt'));
  const same = stateOf(all);
  expect((await all.mam('merge', 'd2dirty')).stderr).toContain('not committed in readme.txt');
  expect(stateOf(all)).toEqual(same);
  all.repo.git('checkout', '-q', '--', 'readme.txt');
  expect((await all.mam('merge', 'd2dirty')).code).toBe(0);
});

test('a worktree with something that is not committed is not merged, unless only the rest is asked for', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('u2ncommitted');
  all.repo.write('left over.txt', 'x', tree.folder);
  const refused = await all.mam('merge', 'u2ncommitted');
  expect(refused).toMatchObject({ code: 69, stdout: '' });
  expect(refused.stderr).toContain('1 untracked file or folder (left over.txt)');
  expect(refused.stderr).toContain('--committed-only');
  expect((await all.mam('merge', 'u2ncommitted', '--committed-only')).code).toBe(0);
  expect(existsSync(join(all.repo.folder, 'left over.txt'))).toBe(false);
  expect(readFileSync(join(tree.folder, 'left over.txt'), 'utf8')).toBe('x');
});

test('a job that is open, or has failed, is not merged; a failed one is if it is asked for', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = all.job('p2open');
  all.repo.commit('x.txt', 'x', 'X', tree.folder);
  expect((await all.mam('merge', 'p2open', '--force')).stderr).toContain('has not ended (queued)');
  await all.end('p2open', 'error');
  const refused = await all.mam('merge', 'p2open');
  expect(refused.stderr).toContain('has not completed its work (failed: agent_error)');
  expect(refused.code).toBe(69);
  expect((await all.mam('merge', 'p2open', '--force')).code).toBe(0);
});

test('a place where nobody would find the merge again, or that is another repository, is refused', async ({
  lab,
}) => {
  const all = trees(lab);
  const tree = await all.done('w2here');
  all.repo.git('checkout', '-q', '--detach');
  expect((await all.mam('merge', 'w2here')).stderr).toContain('No branch is checked out');
  all.repo.git('checkout', '-q', 'main');
  const elsewhere = await lab.start(['merge', 'w2here'], { input: '' }).ended;
  expect(elsewhere.stderr).toContain(`is in no worktree of ${all.repo.folder}/.git`);
  const own = await lab.start(['merge', 'w2here'], { cwd: tree.folder, env: all.env, input: '' }).ended;
  expect(own.stderr).toContain('is the worktree of the job itself');
  const none = await all.mam('merge', 'w2here', '--into', '/nowhere/at all');
  expect(none.code).toBe(69);
  expect(none.stderr).toContain('/nowhere/at all is in no worktree');
  const linked = join(lab.project, `linked ${count}`);
  all.repo.git('worktree', 'add', '-q', '-b', 'side', linked);
  const into = await all.mam('merge', 'w2here', '--into', linked, '--json');
  expect(JSON.parse(into.stdout)).toMatchObject({ into: 'side', folder: linked, how: 'forward' });
  expect(all.repo.git('rev-parse', 'main')).not.toBe(all.repo.git('rev-parse', 'side'));
});

test('a branch without a commit of its own, and one that was merged by hand, are said; unrelated ones are refused', async ({
  lab,
}) => {
  const all = trees(lab);
  all.job('n2othing');
  await all.end('n2othing');
  expect(await all.mam('merge', 'n2othing')).toMatchObject({
    code: 0,
    stdout: 'Job n2othing has no commit of its own on mam/n2othing: there is nothing to merge.\n',
  });
  const hand = await all.done('b2yhand');
  all.repo.git('merge', '-q', hand.branch);
  expect((await all.mam('merge', 'b2yhand')).stdout).toContain('main already has all of mam/b2yhand');
  expect(lab.record('b2yhand').merged).toMatchObject({ into: 'main' });
  const orphan = all.job('o2rphan');
  all.repo.gitIn(orphan.folder, 'checkout', '-q', '--orphan', 'fresh');
  all.repo.gitIn(orphan.folder, 'commit', '-q', '-m', 'Root');
  all.repo.gitIn(orphan.folder, 'branch', '-q', '-f', orphan.branch);
  all.repo.gitIn(orphan.folder, 'checkout', '-q', orphan.branch);
  await all.end('o2rphan');
  expect((await all.mam('merge', 'o2rphan')).stderr).toContain('have no commit in common');
});

test.for([
  ['pre-merge-commit', 'exit 1'],
  ['commit-msg', 'exit 1'],
  ['prepare-commit-msg', 'echo no way >&2; exit 3'],
])(
  'a failing %s leaves everything as it was, and its words are passed on',
  async ([hook, script], { lab }) => {
    const all = trees(lab);
    const id = `h2${hook?.replaceAll('-', '')}`;
    await all.done(id);
    all.repo.commit('other.txt', 'other\n');
    const file = join(all.repo.folder, '.git/hooks', hook ?? '');
    writeFileSync(file, `#!/bin/sh\necho stopped by ${hook} >&2\n${script}\n`);
    chmodSync(file, 0o755);
    all.repo.write('readme.txt', 'my own change\n');
    const { index: _, ...before } = stateOf(all);
    const refused = await all.mam('merge', id);
    expect(refused.code).toBe(69);
    expect(refused.stderr).toContain('The merge failed, and everything is as it was.');
    expect(refused.stderr).toContain(`stopped by ${hook}`);
    const { index: __, ...after } = stateOf(all);
    expect(after).toEqual(before);
    rmSync(file);
    expect((await all.mam('merge', id)).code).toBe(0);
  },
);

test('a signature that nobody can give fails with words, and leaves everything as it was', async ({
  lab,
}) => {
  const all = trees(lab);
  await all.done('s2ign');
  all.repo.commit('other.txt', 'other\n');
  lab.write('gpg', '#!/bin/sh\necho "gpg: signing failed: No pinentry" >&2\nexit 2\n', 0o755);
  all.repo.git('config', 'commit.gpgSign', 'true');
  all.repo.git('config', 'gpg.program', join(lab.project, 'gpg'));
  const { index: _, ...before } = stateOf(all);
  const refused = await all.mam('merge', 's2ign');
  expect(refused.stderr).toContain('gpg failed to sign the data');
  const { index: __, ...after } = stateOf(all);
  expect(after).toEqual(before);
});

test('a merge that a person has begun by hand stays as it is, with everything that they have staged', async ({
  lab,
}) => {
  const all = trees(lab);
  const { repo } = all;
  const tree = await all.done('h2byhand');
  // The branch is merged without what it brings, so that nothing is in the way of another merge of it.
  repo.git('merge', '-q', '--no-commit', '--no-ff', tree.branch);
  repo.git('rm', '-q', '-f', 'h2byhand.txt');
  repo.write('readme.txt', 'staged by hand\n');
  repo.git('add', 'readme.txt');
  const before = stateOf(all);
  expect(before.pending).toEqual(['MERGE_HEAD']);
  const refused = await all.mam('merge', 'h2byhand');
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('a merge that is not finished. Nothing was changed.');
  expect(stateOf(all)).toEqual(before);
});

test('what someone stages while a hook of the merge runs stays when the hook fails', async ({ lab }) => {
  const all = trees(lab);
  const { repo } = all;
  await all.done('s2staged');
  repo.commit('other.txt', 'other\n');
  const hook = join(repo.folder, '.git/hooks/commit-msg');
  writeFileSync(hook, "#!/bin/sh\necho 'staged meanwhile' > readme.txt; git add readme.txt; exit 1\n");
  chmodSync(hook, 0o755);
  const refused = await all.mam('merge', 's2staged');
  expect(refused.stderr).toContain('The merge failed, and everything is as it was.');
  expect(repo.git('status', '--porcelain')).toBe('M  readme.txt');
  expect(readFileSync(join(repo.folder, 'readme.txt'), 'utf8')).toBe('staged meanwhile\n');
  expect(existsSync(join(repo.folder, '.git/MERGE_HEAD'))).toBe(false);
});

test('a merge that a crash has left is in no way of others once its worktree is gone', async ({ lab }) => {
  const all = trees(lab);
  const { repo } = all;
  const lost = await all.done('l2ost');
  const target = join(lab.project, `side ${count}`);
  repo.git('worktree', 'add', '-q', '-b', 'side', target);
  const merge = {
    ...{ target, into: 'side', before: repo.git('rev-parse', 'side'), message: 'Merge' },
    ...{ tip: repo.git('rev-parse', lost.branch), after: repo.git('rev-parse', lost.branch) },
    ...{ mark: 'MAM_MERGE=none', at: Date.now() },
  };
  const { repository } = lost;
  const note = { kind: 'merge', registry_dir: lab.registry, repository, by: 'person', merge };
  mkdirSync(join(lab.home, 'trees'), { recursive: true });
  lab.write('note', JSON.stringify(note));
  renameSync(join(lab.project, 'note'), join(lab.home, 'trees', 'l2ost.json'));
  rmSync(target, { recursive: true });
  await all.done('n2ext');
  const refused = await all.mam('merge', 'n2ext');
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('worktree prune');
  repo.git('worktree', 'prune');
  expect(await all.mam('merge', 'n2ext')).toMatchObject({ code: 0, stderr: '' });
  expect(lab.inHome('trees')).toEqual([]);
  expect(await all.mam('merge', 'l2ost')).toMatchObject({ code: 0 });
});
