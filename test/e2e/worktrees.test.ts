import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { Repository } from '../support/repository.ts';
import { robotKind } from '../support/robots.ts';
import { until } from '../support/until.ts';

/** A repository in the lab's project, and a kind `worker` that is started for each job. */
function workshop(lab: Lab, ...args: string[]): Repository {
  const repo = new Repository({ place: realpathSync(lab.project), name: 'größe 1' });
  copyFileSync(join(lab.project, '.home/.gitconfig'), join(lab.folder, '.gitconfig'));
  mkdirSync(join(lab.project, '.mam'), { recursive: true });
  lab.expected.push(
    /^\.gitconfig$/,
    /^p\/\.home\//,
    /^p\/\.mam\/(worktree-setup|jobs\/[a-z0-9-]+\/setup\.log)$/,
  );
  lab.expected.push(/^h\/trust\//);
  lab.configure({ agents: { worker: robotKind(lab, ...args) } });
  return repo;
}

/** The session of a job, once its agent has been started; it is ended with the lab. */
async function sessionOf(lab: Lab, jobId: string): Promise<string> {
  const found = await until(`${jobId} has a session`, () => lab.record(jobId).agent_session);
  lab.sessions.add(found.session);
  return found.session;
}

function committing(name: string): string {
  return `echo work > ${name} && git add ${name} && git commit -q -m ${name}`;
}

test('a job gets a branch and a worktree beside the repository, in which its agent, its check and its commits are', async ({
  lab,
}) => {
  const repo = workshop(lab, '--run', committing('work.txt'));
  repo.commit('packages/a/x.txt', 'x');
  const base = repo.git('rev-parse', 'HEAD');
  repo.write('readme.txt', 'not committed\n');
  const check = lab.write(
    'check.sh',
    '#!/bin/sh\npwd > "$MAM_JOB_DIR/../../../pwd"; test -e ../../work.txt || test -e work.txt\n',
    0o755,
  );
  const words = [
    'submit',
    '--prompt',
    'Fix the login',
    '--agent',
    'worker',
    '--worktree',
    '--validate',
    check,
  ];
  const cwd = join(repo.folder, 'packages', 'a');
  const ended = await lab.start([...words, '--json'], { cwd, input: '' }).ended;
  const answer = JSON.parse(ended.stdout);
  const { job_id: id } = answer;
  await sessionOf(lab, id);
  expect(ended.code, ended.stdout).toBe(0);
  const folder = join(lab.project, 'größe 1.worktrees', `mam-${id}`);
  const record = lab.record(id);
  expect(record).toMatchObject({
    status: 'completed',
    workdir: join(realpathSync(folder), 'packages', 'a'),
    worktree: {
      ...{ folder: realpathSync(folder), branch: `mam/${id}`, base, new_branch: true },
      repository: realpathSync(join(repo.folder, '.git')),
    },
    validation: { passed: true },
  });
  expect(answer.warnings.join()).toContain('without the uncommitted changes of 1 file');
  expect(readFileSync(join(lab.project, 'pwd'), 'utf8').trim()).toBe(record.workdir);
  expect(repo.git('log', '-1', '--format=%s', `mam/${id}`)).toBe('work.txt');
  expect(repo.git('status', '--porcelain')).toBe(' M readme.txt');
  expect((await lab.mam('status', id)).stdout).toContain(`mam/${id}`);
  expect((await lab.mam('logs', id)).stdout).toContain(`It has the worktree ${record.worktree?.folder}`);
});

test('nobody is told to merge what has not changed', async ({ lab }) => {
  const repo = workshop(lab);
  const words = ['submit', '--prompt', 'Look around', '--agent', 'worker', '--worktree', '--json'];
  const { stdout } = await lab.start(words, { cwd: repo.folder, input: '' }).ended;
  const { job_id: id } = JSON.parse(stdout);
  await sessionOf(lab, id);
  await until('it is looked at after its end', () => lab.record(id).changes?.end);
  const { next } = await lab.json('status', id);
  expect(next).toBe(`mam discard ${id}`);
  const server = await lab.startServer();
  expect((await server.ask('wait_job', { job_id: id })).next).not.toContain('merge');
});

test('nobody is sent to a worktree that was never made', async ({ lab, server }) => {
  const repo = workshop(lab);
  const first = await server.ask('delegate_job', { prompt: 'First', agent: 'human' });
  const more = { prompt: 'Then', agent: 'worker', worktree: 'x', workdir: repo.folder };
  const { job_id: id } = await server.ask('delegate_job', { ...more, after: [first['job_id']] });
  const wait = server.ask('wait_job', { job_id: id });
  expect((await lab.mam('cancel', String(first['job_id']))).code).toBe(0);
  expect((await wait).next).not.toContain('mam diff');
  const { stdout } = await lab.mam('status', id);
  expect(stdout).toContain('dependency_failed');
  expect(stdout).not.toMatch(/mam (diff|merge|discard)|\bwork\b/);
});

test('dry run says branch, base and folder, and makes nothing', async ({ lab }) => {
  const repo = workshop(lab);
  const before = repo.git('for-each-ref');
  const words = ['submit', '--prompt', 'x y', '--agent', 'worker', '--dry-run', '--worktree=fehler/größe'];
  const { code, stdout, stderr } = await lab.start(words, { cwd: repo.folder, input: '' }).ended;
  expect(code, stderr).toBe(0);
  const folder = join(realpathSync(lab.project), 'größe 1.worktrees', 'fehler-größe');
  const base = repo.git('rev-parse', '--short=10', 'HEAD');
  expect(stdout).toContain(`worktree: branch fehler/größe in ${folder}, from ${base}`);
  expect(existsSync(folder)).toBe(false);
  expect(repo.git('for-each-ref')).toBe(before);
  expect(lab.jobIds()).toEqual([]);
});

test('what can not be is refused, and nothing is made', async ({ lab }) => {
  const repo = workshop(lab);
  const server = await lab.startServer();
  const ask = (args: object) =>
    server.refusal('delegate_job', { prompt: 'x', agent: 'worker', workdir: repo.folder, ...args });
  expect(await ask({ worktree: 'main' })).toContain('is checked out in');
  expect(await ask({ base: 'main', session: 'new' })).toContain('A base needs a worktree.');
  expect(await ask({ worktree: true, workdir: lab.folder })).toContain('is in none');
  const peer = await lab.startPeer();
  expect(await ask({ worktree: true, agent_session: peer.address })).toContain("it can't move");
  lab.write('.mam/worktree-setup', 'touch ran\n');
  expect(await ask({ worktree: true })).toContain('mam trust --show');
  expect(repo.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  expect(lab.jobIds()).toEqual([]);
});

test("a project's set-up script runs in the worktree once a person has trusted it", async ({ lab }) => {
  const repo = workshop(lab, '--run', 'cat set-up > seen');
  lab.write(
    '.mam/worktree-setup',
    'printf "%s\\n" "$MAM_BRANCH" "$MAM_BASE" "$MAM_WORKTREE" "$JOB_ID" > set-up\n',
  );
  const submit = () =>
    lab.start(['submit', '--prompt', 'x y', '--agent', 'worker', '--worktree', '--json'], {
      cwd: repo.folder,
      input: '',
    }).ended;
  const refused = await submit();
  expect(refused.code).not.toBe(0);
  expect(refused.stderr + refused.stdout).toContain('is not trusted');
  const at = { cwd: repo.folder, input: '' };
  const shown = await lab.start(['trust', '--show'], at).ended;
  expect(shown.stdout).toMatch(/^\S+worktree-setup is not trusted\.\n/);
  expect(shown.stdout).toContain('  printf "%s\\n" "$MAM_BRANCH"');
  expect((await lab.start(['trust'], at).ended).code).not.toBe(0);
  expect((await lab.start(['trust', '--yes'], at).ended).code).toBe(0);
  const { stdout, code } = await submit();
  const { job_id: id, ...answer } = JSON.parse(stdout);
  const record = lab.record(id);
  lab.sessions.add(record.agent_session?.session ?? '');
  expect(code, stdout).toBe(0);
  const { folder = '', base, branch } = record.worktree ?? {};
  expect(readFileSync(join(folder, 'seen'), 'utf8')).toBe([branch, base, folder, id, ''].join('\n'));
  expect(answer.status).toBe('completed');
  // Whatever has changed in it must be accepted again.
  lab.write('.mam/worktree-setup', 'true\n');
  expect((await submit()).stderr).toContain('has changed since you trusted it');
  expect((await lab.start(['trust', '--yes', '--json'], at).ended).stdout).toContain('"setup"');
  expect((await lab.start(['trust', '--revoke'], at).ended).code).toBe(0);
  expect((await submit()).stderr).toContain('is not trusted');
});

test('a set-up script that fails is the end of the job, with its output, and its worktree stays', async ({
  lab,
}) => {
  const repo = workshop(lab);
  lab.write('.mam/worktree-setup', 'echo no such package >&2\nexit 7\n');
  await lab.start(['trust', '--yes'], { cwd: repo.folder, input: '' }).ended;
  const words = ['submit', '--prompt', 'x y', '--agent', 'worker', '--worktree', 'failing', '--json'];
  const { stdout, code } = await lab.start(words, { cwd: repo.folder, input: '' }).ended;
  const { job_id: id } = JSON.parse(stdout);
  const record = lab.record(id);
  expect(code).toBe(1);
  expect(record).toMatchObject({ status: 'failed', reason: 'setup_failed' });
  expect(record.detail).toContain('ended with 7. Its last words: no such package');
  expect(record.detail).toContain(record.worktree?.folder);
  expect(readFileSync(join(record.log_dir, 'setup.log'), 'utf8')).toContain('no such package');
  expect(existsSync(join(record.worktree?.folder ?? '', 'readme.txt'))).toBe(true);
  expect(record.agent_session).toBeUndefined();
  expect((await lab.json('status', id))['next']).toBe(`mam discard ${id}`);
  const at = { cwd: repo.folder, input: '' };
  // The script's output is no file of somebody else, and the worktree is no longer locked.
  expect((await lab.start(['prune', '--older-than', '0s', '--dry-run'], at).ended).stdout).toContain(id);
  expect((await lab.start(['discard', id, '--yes'], at).ended).stderr).toBe('');
  expect(existsSync(record.worktree?.folder ?? '')).toBe(false);
});

test('the base of a job that waits for others is what its name stands for by then, where the caller is', async ({
  lab,
}) => {
  const repo = workshop(lab);
  const side = join(realpathSync(lab.project), 'side');
  repo.git('worktree', 'add', '-q', '-b', 'side', side);
  const submit = async (...words: string[]): Promise<string> => {
    const all = ['submit', '--prompt', 'x y', '--no-wait', '--json', ...words];
    const { stdout } = await lab.start(all, { cwd: side, input: '' }).ended;
    return JSON.parse(stdout).job_id;
  };
  const first = await submit('--agent', 'human');
  const next = ['--agent', 'worker', '--worktree=later', '--base', 'HEAD', '--after', first];
  const second = await submit(...next);
  repo.commit('side.txt', 'side\n', 'Side', side);
  await lab.mam('done', first);
  await sessionOf(lab, second);
  expect(lab.record(second).worktree?.base).toBe(repo.git('rev-parse', 'side'));
  // A report that comes while the lab ends would start another hub.
  await until('it has ended', () => lab.record(second).status === 'completed');
});

test('ten jobs in ten worktrees of one repository at once, with the first tmux server that there is', async ({
  lab,
}) => {
  const repo = workshop(lab, '--run', 'date > work.txt; git add .; git commit -q -m "$(basename "$(pwd)")"');
  const server = await lab.startServer();
  const ids = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const args = { prompt: `job ${n}`, agent: 'worker', workdir: repo.folder, worktree: `b/${n}` };
      return (await server.ask('delegate_job', args)).job_id as string;
    }),
  );
  for (const id of ids) await sessionOf(lab, id);
  await until('all have ended', () => ids.every((id) => lab.record(id).status === 'completed'));
  // They report while they commit.
  for (const [n] of ids.entries())
    await until('its work is committed', () => repo.git('log', '-1', '--format=%s', `b/${n}`) === `b-${n}`);
  expect(repo.git('worktree', 'list').split('\n')).toHaveLength(11);
  expect(repo.git('worktree', 'list', '--porcelain')).not.toContain('locked');
});

test('a hub that is killed while git or the set-up script runs is followed by one that completes the worktree', async ({
  lab,
}) => {
  const repo = workshop(lab);
  const gate = (name: string) => join(lab.project, name);
  repo.git(
    'config',
    'filter.slow.smudge',
    `sh -c 'touch "${gate('git')}"; until test -e "${gate('open')}"; do sleep 0.05; done; cat'`,
  );
  repo.write('.gitattributes', 'big filter=slow\n');
  repo.write('big', 'big\n');
  lab.write(
    '.mam/worktree-setup',
    `echo run >> "${gate('runs')}"; until test -e "${gate('ready')}"; do sleep 0.05; done; touch set-up\n`,
  );
  repo.git('add', '-A');
  repo.git('commit', '-q', '-m', 'All');
  await lab.start(['trust', '--yes'], { cwd: repo.folder, input: '' }).ended;
  const words = ['submit', '--prompt', 'x y', '--agent', 'worker', '--worktree', 'x', '--no-wait', '--json'];
  const submitted = lab.start(words, { cwd: repo.folder, input: '' });
  await until('git checks out', () => existsSync(gate('git')));
  await lab.killHub();
  writeFileSync(gate('open'), '');
  await submitted.ended;
  const [id = ''] = await until('a job', async () => {
    const { stdout } = await lab.start(['list', '--json'], { cwd: repo.folder, input: '' }).ended;
    return JSON.parse(stdout).jobs.map((job: { job_id: string }) => job.job_id);
  });
  await until('the script runs', () => existsSync(gate('runs')));
  await lab.killHub();
  writeFileSync(gate('ready'), '');
  const { code } = await lab.start(['wait', id], { cwd: repo.folder, input: '' }).ended;
  const record = lab.record(id);
  lab.sessions.add(record.agent_session?.session ?? '');
  expect(code).toBe(0);
  expect(record).toMatchObject({ status: 'completed', prepared: ['pool', 'worktree'] });
  expect(readFileSync(gate('runs'), 'utf8')).toBe('run\nrun\n');
  const folder = record.worktree?.folder ?? '';
  expect(repo.gitIn(folder, 'status', '--porcelain')).toBe('?? set-up');
  expect(readFileSync(join(folder, 'big'), 'utf8')).toBe('big\n');
  expect(repo.git('worktree', 'list', '--porcelain')).not.toContain('locked');
});

test('a job that is cancelled while its worktree is made leaves none', async ({ lab }) => {
  const repo = workshop(lab);
  const started = join(lab.project, 'git');
  repo.git('config', 'filter.slow.smudge', `sh -c 'touch "${started}"; exec sleep 600'`);
  repo.write('.gitattributes', 'big filter=slow\n');
  repo.write('big', 'big\n');
  repo.git('add', '-A');
  repo.git('commit', '-q', '-m', 'All');
  const words = ['submit', '--prompt', 'x y', '--agent', 'worker', '--worktree', 'x', '--no-wait', '--json'];
  const submitted = lab.start(words, { cwd: repo.folder, input: '' });
  await until('git checks out', () => existsSync(started));
  const [id = ''] = lab.jobIds();
  expect((await lab.mam('status', id)).stdout).toContain('its worktree is being made');
  expect((await lab.mam('cancel', id)).code).toBe(0);
  await submitted.ended;
  // It removes the folder first, and its own note of it after that.
  await until('git has cleaned up', () => repo.git('worktree', 'list').split('\n').length === 1);
  expect(existsSync(lab.record(id).worktree?.folder ?? '')).toBe(false);
  expect(lab.record(id).status).toBe('cancelled');
});
