import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lineWith } from '../docs/markdown.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import type { LabServer } from '../support/lab-server.ts';
import { Repository } from '../support/repository.ts';
import { robotKind } from '../support/robots.ts';
import { until } from '../support/until.ts';

let two: TwoHosts;
let server: LabServer;
let repo: Repository;

/** What the worker does: two commits, a new file, and bytes that are no text. */
const WORK = [
  'printf "mended\\n" >> readme.txt && git commit -qam Mended',
  'printf "a\\0b\\377" > größe.bin && git add . && git commit -qm Measured',
].join(' && ');

/** Lets hosta do this on hostb. */
function allow(change: object = {}): void {
  const { b } = two;
  const may = { ...{ delegate: true, decide: true, start: true, workdirs: [b.project] }, ...change };
  b.configure({ hosts: { hosta: { may } }, agents: { worker: robotKind(b, '--hook', WORK) } });
}

beforeEach(async () => {
  two = await TwoHosts.make();
  const { b } = two;
  repo = new Repository({ place: realpathSync(b.project), name: 'repo' });
  copyFileSync(join(b.project, '.home/.gitconfig'), join(b.folder, '.gitconfig'));
  b.expected.push(/^\.gitconfig$/, /^p\/\.home\//);
  allow();
  await two.meet();
  server = await two.a.startServer();
});
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

/** Types a line of the page about many machines on hosta. @param cwd where */
async function type(id: string, cwd: string, ...words: string[]): Promise<string> {
  const line = lineWith('docs/many-machines.md', ...words)
    .replace('JOB_ID', id)
    .replace('/srv/shop', repo.folder);
  const { code, stdout, stderr } = await two.a.run('bash', ['-c', `cd '${cwd}' && ${line}`]);
  if (code !== 0) throw new Error(`${line}: ${stdout}${stderr}`);
  return stdout;
}

/** A job of hosta that has done its work in a worktree on hostb. */
async function done(args: object = {}): Promise<string> {
  const { a, b } = two;
  const { job_id: id } = await server.ask('delegate_job', {
    ...{ prompt: 'Mend it', agent: 'worker', host: 'hostb', workdir: repo.folder, worktree: 'true', ...args },
  });
  const found = await until(`${id} has a session`, () => a.record(id).agent_session);
  b.sessions.add(found.session);
  const { outcome } = await server.ask('wait_job', { job_id: id, timeout_seconds: 60 });
  expect(outcome).toBe('final');
  // It commits while it reports.
  const subject = () => repo.git('log', '-1', '--format=%s', `mam/${id}`);
  await until('its work is committed', () => subject() === 'Measured');
  return id;
}

test('the work of a job on another host is shown, merged and discarded from here', async () => {
  const { a, b } = two;
  const id = await done();
  const there = join(realpathSync(b.project), 'repo.worktrees', `mam-${id}`);
  expect(a.record(id)).toMatchObject({ home: { host: 'hostb' }, worktree: { folder: there } });

  // The same bytes, also where another repository is to have the work.
  const patch = (await a.mam('diff', id)).stdout;
  expect(patch).toBe((await b.mam('diff', id)).stdout);
  const clone = join(two.world.folder, 'clone');
  execFileSync('git', ['clone', '-q', repo.folder, clone], { env: repo.env });
  await type(id, clone, 'mam diff', 'git apply');
  expect(readFileSync(join(clone, 'größe.bin'))).toEqual(readFileSync(join(there, 'größe.bin')));
  expect((await a.mam('diff', id, '--stat')).stdout).toMatch(/readme\.txt +\| +1 \+/);
  expect(await a.json('diff', id)).toMatchObject({ folder: there, files_total: 2, job: { host: 'hostb' } });
  expect((await a.json('status', id))['next']).toContain(`mam merge ${id} --into FOLDER_THERE`);

  // Once its agent, which works there, has ended.
  const kept = `on hostb: The worktree ${there} of job ${id} was not removed`;
  await until('its commits keep the worktree', async () =>
    (await a.mam('discard', id, '--yes')).stderr.includes(kept),
  );
  const nowhere = await a.mam('merge', id);
  expect(nowhere.stderr).toContain('on hostb: It is not said where the work is to go.');
  expect(nowhere.stderr).toContain(`with --into, of the repository ${repo.folder}/.git`);
  expect(await type(id, a.project, 'mam merge', '--into')).toContain(
    `main in ${repo.folder} was moved forward`,
  );
  const tip = repo.git('rev-parse', 'HEAD');
  expect(repo.git('log', '-1', '--format=%s')).toBe('Measured');
  expect(a.record(id).merged).toMatchObject({ into: 'main', commit: tip });
  const said = { into: 'main', folder: repo.folder, commit: tip };
  expect(await a.json('merge', id, '--into', repo.folder)).toMatchObject({ how: 'already', ...said });

  const gone = await a.mam('discard', id, '--yes', '--branch');
  expect(gone.stdout).toContain(`The worktree ${there} was removed, and its branch mam/${id} was deleted.`);
  expect(existsSync(there)).toBe(false);
  expect(a.record(id).discarded).toMatchObject({ commit: tip });
  expect((await a.mam('diff', id)).stdout).toBe(patch);
  expect((await a.mam('logs', id)).stdout).toContain('Its branch is in main');
});

test('a long difference comes in pages, byte for byte', async () => {
  const id = await done();
  await (await two.b.reporter).report(id, 'progress', { detail: 'x'.repeat(1_900) });
  const { folder = '' } = two.a.record(id).worktree ?? {};
  const text = Array.from({ length: 40_000 }, (_, at) => `line ${at} ${'x'.repeat(at % 7)}`).join('\n');
  for (let at = 0; at < 300; at++) repo.write(`${'\u001bñ"'.repeat(40)}${at}`, 'x\n', folder);
  repo.commit('long.txt', `${text}\n`, 'Long', folder);
  const patch = (await two.a.mam('diff', id)).stdout;
  expect(patch.length).toBeGreaterThan(400_000);
  expect(patch).toBe((await two.b.mam('diff', id)).stdout);
});

test('another host changes only what it may', async () => {
  const { a, b } = two;
  const id = await done();
  const outside = new Repository();
  const outer = new Repository({ place: realpathSync(b.folder), name: 'outer' });
  b.expected.push(/^outer\//, /^\.home\//);
  const merge = async (folder: string) => (await a.mam('merge', id, '--into', folder)).stderr;
  try {
    expect(await merge(outside.folder)).toContain('on hostb: Your host may not use this working folder.');
    expect(await merge(join(b.project, 'missing'))).toContain('is in no worktree of');
    // The folder is allowed, and the rest of its worktree is not.
    outer.commit('inner/x.txt', 'x');
    allow({ workdirs: [join(outer.folder, 'inner'), b.project] });
    expect(await merge(join(outer.folder, 'inner'))).toContain('Your host may not use this working folder.');
    const job = { prompt: 'x', agent: 'worker', host: 'hostb', session: 'new' };
    const { job_id: inner } = await server.ask('delegate_job', {
      ...job,
      workdir: join(outer.folder, 'inner'),
    });
    const found = await until(`${inner} has a session`, () => a.record(inner).agent_session);
    b.sessions.add(found.session);
    await server.ask('wait_job', { job_id: inner, timeout_seconds: 60 });
    expect((await a.mam('diff', inner)).stderr).toContain('Your host may not use this working folder.');

    allow({ decide: false });
    for (const command of ['merge', 'discard'])
      expect(
        (await a.mam(command, id, ...(command === 'merge' ? ['--into', repo.folder] : ['--yes']))).stderr,
      ).toMatch(/Your host may not merge or discard work here\..*"may.decide"/);
    expect((await a.mam('diff', id)).stdout).toContain('+mended');
    expect(repo.git('log', '-1', '--format=%s', 'main')).toBe('First');
  } finally {
    outside.remove();
  }
});
