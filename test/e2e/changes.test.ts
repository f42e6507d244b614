import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { sharing, test } from '../support/lab-test.ts';
import { Repository } from '../support/repository.ts';
import { until } from '../support/until.ts';

function repositoryFor(lab: Lab): Repository {
  const repository = new Repository();
  lab.onEnd(() => repository.remove());
  return repository;
}

/** The event in which git has been asked about the job's folder. */
function looked(lab: Lab, jobId: string, count: number): Promise<Json> {
  return until(`look ${count} at ${jobId}`, () => {
    const looks = lab.events(jobId).filter(({ type }) => type === 'changes');
    return looks.length >= count && looks[count - 1];
  });
}

/** The event about the jobs that changed the same files. */
function overlapped(lab: Lab, jobId: string): Promise<Json> {
  return until(`overlaps of ${jobId}`, () => lab.events(jobId).find(({ type }) => type === 'overlaps'));
}

describe.concurrent('what git says about the folder of a job', () => {
  sharing('is in its status, its log and its history at the end', async ({ lab, server, reporter, peer }) => {
    const repository = repositoryFor(lab);
    const first = repository.commit('old name.txt', 'one\ntwo\nthree\nfour\n');
    repository.write('readme.txt', 'Hello\nDirty before\n');
    repository.commit('kept.txt', 'kept\n');
    repository.write('kept.txt', 'dirty before, and again\n');
    const start = repository.git('rev-parse', 'HEAD');
    const { job_id } = await server.delegate(peer, { workdir: repository.folder });
    expect((await looked(lab, job_id, 1)).detail).toBe(
      `main at ${start.slice(0, 8)}, 2 tracked files not committed (kept.txt, readme.txt).`,
    );

    repository.git('mv', 'old name.txt', 'übung.txt');
    repository.git('commit', '-q', '-m', 'Rename it', '--', 'old name.txt', 'übung.txt');
    repository.commit('new.txt', 'a\nb\n', 'Add a file');
    repository.write('kept.txt', 'written by the job\n');
    repository.write('line\nbreak.txt', 'new\n');
    await reporter.report(job_id, 'completed');
    await looked(lab, job_id, 2);

    const job = await server.ask('job_status', { job_id });
    const end = repository.git('rev-parse', 'HEAD');
    const stat = repository.git('diff', '--shortstat', start, end).trim();
    expect(job.changes).toMatchObject({
      top: repository.folder,
      repository: join(repository.folder, '.git'),
      start: { head: start, branch: 'main', dirty_count: 2 },
      end: { head: end, branch: 'main', dirty_count: 3 },
      commit_count: 2,
      left_behind: 0,
      stat: { files: 2, insertions: 2, deletions: 0 },
    });
    expect(job.changes.commits.map(({ subject }: Json) => subject)).toEqual(['Add a file', 'Rename it']);
    expect(job.changes.end.dirty).toEqual([
      { path: 'kept.txt', state: 'modified' },
      { path: 'readme.txt', state: 'modified', as_at_start: true },
      { path: 'line\nbreak.txt', state: 'untracked' },
    ]);
    const words = `${stat} in 2 commits; 3 files not committed (kept.txt, readme.txt, line break.txt, +2 -1; 1 as at its start)`;
    expect(job.changes.text).toBe(words);
    expect(first).not.toBe(start);

    const told = `In its folder, between its start and its end: ${words}.`;
    const inStatus = (await lab.mam('status', job_id)).stdout;
    expect(inStatus).toContain(`changed    ${words}.`);
    expect((await lab.mam('logs', job_id)).stdout).toContain(`changed  ${words}.`);
    const { events, changes } = await server.ask('job_logs', { job_id });
    expect(events.at(-1)).toMatchObject({ type: 'changes', source: 'hub', detail: told });
    expect(changes).toBe(`${words}.`);
    expect(events.at(-1).late).toBeUndefined();
  });

  sharing('names jobs in other worktrees that changed the same file', async ({ lab, server, reporter }) => {
    const repository = repositoryFor(lab);
    const jobs: { id: string; folder: string }[] = [];
    for (const name of ['one', 'zwei ü', 'three']) {
      const folder = join(repository.place, name);
      repository.git('worktree', 'add', '-q', '-b', name.replace(' ', '-'), folder);
      const peer = await lab.startPeer('mute', { cwd: folder });
      const { job_id, warnings } = await server.delegate(peer, { workdir: folder });
      expect(warnings).toEqual([]);
      await looked(lab, job_id, 1);
      jobs.push({ id: job_id, folder });
    }
    const [one, two, three] = jobs as [Json, Json, Json];
    repository.commit('own.txt', '1\n', 'Own', three.folder);
    repository.commit('readme.txt', 'Hello one\n', 'One', one.folder);
    repository.write('readme.txt', 'Hello two\n', two.folder);
    repository.write('new in both', '2\n', two.folder);
    repository.commit('new in both', '1\n', 'One more', one.folder);
    for (const { id } of [three, one, two]) {
      await reporter.report(id, 'completed');
      await looked(lab, id, 2);
    }
    const words = `Job ${one.id} changed the same files: new in both, readme.txt.`;
    expect(await overlapped(lab, two.id)).toMatchObject({ source: 'hub', detail: words });
    const status = await server.ask('job_status', { job_id: two.id });
    expect(status.overlaps).toEqual([{ job_id: one.id, files: ['new in both', 'readme.txt'], count: 2 }]);
    expect(status.next).toContain(`About ${two.id}: ${words}`);
    expect((await lab.mam('status', two.id)).stdout).toContain(words);
    expect((await server.ask('job_logs', { job_id: two.id })).changes).toContain(words);
    for (const { id } of [one, three]) expect(lab.types(id)).not.toContain('overlaps');

    // Work that has the other one's is no second change of it, and neither is one whose branch is gone.
    const later = async (name: string, base: string) => {
      const folder = join(repository.place, name);
      repository.git('worktree', 'add', '-q', '-b', name, folder, base);
      const peer = await lab.startPeer('mute', { cwd: folder });
      const { job_id } = await server.delegate(peer, { workdir: folder });
      await looked(lab, job_id, 1);
      repository.commit('new in both', `${name}\n`, name, folder);
      await reporter.report(job_id, 'completed');
      await looked(lab, job_id, 2);
      return job_id;
    };
    repository.git('worktree', 'remove', '--force', two.folder);
    const after = await later('after', 'one');
    await server.ask('job_status', { job_id: after });
    expect(lab.types(after)).not.toContain('overlaps');
    const last = await later('last', 'main');
    expect((await overlapped(lab, last)).data.overlaps).toMatchObject([
      { job_id: after },
      { job_id: one.id },
    ]);
    for (const name of ['one', 'after', 'last']) {
      repository.git('worktree', 'remove', join(repository.place, name));
      repository.git('branch', '-q', '-D', name);
    }
    const alone = await later('alone', 'main');
    await server.ask('job_status', { job_id: alone });
    expect(lab.types(alone)).not.toContain('overlaps');
  });

  sharing('says of jobs in one folder that they cannot be told apart', async ({ lab, server, reporter }) => {
    const repository = repositoryFor(lab);
    const { folder } = repository;
    mkdirSync(join(folder, 'deep'));
    const [a, b] = [
      await lab.startPeer('mute', { cwd: folder }),
      await lab.startPeer('mute', { cwd: folder }),
    ];
    const one = await server.delegate(a, { workdir: folder });
    await looked(lab, one.job_id, 1);
    const two = await server.delegate(b, { workdir: join(folder, 'deep') });
    expect(two.warnings).toEqual([
      `Job ${one.job_id} is open in the same git worktree ${folder}. If both change files there, give each job a git worktree of its own: worktree true (\`--worktree\`).`,
    ]);
    await looked(lab, two.job_id, 1);
    repository.commit('a.txt', 'one\n');
    await reporter.report(one.job_id, 'completed');
    await looked(lab, one.job_id, 2);
    await reporter.report(two.job_id, 'completed');
    expect(await overlapped(lab, two.job_id)).toMatchObject({
      detail: `Job ${one.job_id} ran in this folder at the same time, and git cannot tell whose changes are whose: a.txt.`,
      data: { overlaps: [{ job_id: one.job_id, same_folder: true, files: ['a.txt'], count: 1 }] },
    });

    // One after the other is what everybody does.
    const third = await server.delegate(a, { workdir: folder });
    await looked(lab, third.job_id, 1);
    repository.commit('a.txt', 'three\n');
    await reporter.report(third.job_id, 'completed');
    await looked(lab, third.job_id, 2);
    const fourth = await server.delegate(a, { workdir: folder });
    await looked(lab, fourth.job_id, 1);
    expect(lab.types(third.job_id)).not.toContain('overlaps');
    await server.ask('cancel_job', { job_id: fourth.job_id });
    expect((await looked(lab, fourth.job_id, 2)).detail).toContain('nothing changed');
  });

  sharing('is said with both sides after a switch of the branch', async ({ lab, server, reporter, peer }) => {
    const repository = repositoryFor(lab);
    const start = repository.commit('a.txt', 'one\n').slice(0, 8);
    const { job_id } = await server.delegate(peer, { workdir: repository.folder });
    await looked(lab, job_id, 1);
    repository.git('switch', '-q', '-c', 'side', 'HEAD~1');
    const end = repository.commit('b.txt', 'two\n').slice(0, 8);
    await reporter.report(job_id, 'error', { detail: 'No way.' });
    expect((await looked(lab, job_id, 2)).detail).toContain(
      `HEAD went from main at ${start} to side at ${end}: 1 commit only in the second, 1 only in the first; between them 2 files changed, 1 insertion(+), 1 deletion(-)`,
    );
  });

  sharing('is not asked for outside of a repository', async ({ lab, server, reporter, peer }) => {
    const { job_id } = await server.delegate(peer);
    await reporter.report(job_id, 'completed');
    const status = await server.ask('job_status', { job_id });
    expect(status.changes).toBeUndefined();
    expect(lab.types(job_id)).not.toContain('changes');
  });

  sharing('names as many files as fit, and counts all', async ({ lab, server, reporter, peer }) => {
    const repository = repositoryFor(lab);
    const { job_id } = await server.delegate(peer, { workdir: repository.folder });
    await looked(lab, job_id, 1);
    for (let count = 0; count < 300; count++)
      repository.write(`folder/a rather long name ${count}.txt`, 'x\n');
    repository.git('add', '.');
    repository.git('commit', '-q', '-m', 'Many');
    for (let count = 0; count < 300; count++)
      repository.write(`other/a rather long name ${count}.txt`, 'x\n');
    await reporter.report(job_id, 'completed');
    await looked(lab, job_id, 2);
    const { changes } = await server.ask('job_status', { job_id });
    expect(changes).toMatchObject({ stat: { files: 300, insertions: 300 }, end: { dirty_count: 300 } });
    expect(changes.files.length).toBeGreaterThan(5);
    expect(changes.files.length).toBeLessThanOrEqual(50);
    expect(changes.text).toContain('300 files not committed');
  });
});

/** A server whose hub finds a git that waits while it is told to. */
async function withSlowGit(lab: Lab, words: string) {
  const folder = join(lab.folder, 'slow');
  mkdirSync(folder);
  lab.expected.push(/^slow\//);
  const [fifo, block, waiting] = ['fifo', 'block', 'waiting'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('mkfifo', [fifo]);
  writeFileSync(block, '');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const waits = `case "$*" in *${words}*) [ -e '${block}' ] && echo >'${waiting}' && cat '${fifo}';; esac`;
  writeFileSync(join(folder, 'git'), `#!/bin/sh\n${waits}\nexec '${real}' "$@"\n`, { mode: 0o755 });
  const server = await lab.startServer({ PATH: `${folder}:${process.env['PATH']}` });
  return {
    server,
    waits: () => until('git waits', () => existsSync(waiting)),
    /** Lets it go on, and every later one. */
    goOn: () =>
      until('git goes on', () => {
        rmSync(block, { force: true });
        try {
          closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
          return true;
        } catch {
          return false;
        }
      }),
  };
}

describe('a slow git', () => {
  test('delays neither a delegation nor a wait', async ({ lab, peer }) => {
    const repository = repositoryFor(lab);
    const { server, goOn } = await withSlowGit(lab, '--untracked-files=no');
    const { job_id, status } = await server.delegate(peer, { workdir: repository.folder });
    expect(status).toBe('working');
    const wait = server.wait({ job_id });
    await (await lab.reporter).report(job_id, 'completed');
    expect(await wait.answer).toMatchObject({ outcome: 'final' });
    expect(lab.types(job_id)).not.toContain('changes');
    await goOn();
    expect((await looked(lab, job_id, 2)).detail).toContain('nothing changed');
  });

  test('and a killed hub leave the look at the end to the next hub', async ({ lab, peer }) => {
    const repository = repositoryFor(lab);
    const { server, waits, goOn } = await withSlowGit(lab, '--untracked-files=all');
    const { job_id } = await server.delegate(peer, { workdir: repository.folder });
    await looked(lab, job_id, 1);
    repository.commit('a.txt', 'one\n');
    await (await lab.reporter).report(job_id, 'completed');
    await waits();
    await lab.killHub();
    await goOn();
    const { summary } = await server.ask('job_status', { job_id });
    expect(summary).toContain('completed');
    expect((await looked(lab, job_id, 2)).detail).toContain('1 file changed, 1 insertion(+) in 1 commit');
  });

  sharing('ends with a word if the repository is gone by then', async ({ lab, server, reporter, peer }) => {
    const repository = repositoryFor(lab);
    const { job_id } = await server.delegate(peer, { workdir: repository.folder });
    await looked(lab, job_id, 1);
    rmSync(join(repository.folder, '.git'), { recursive: true });
    await reporter.report(job_id, 'completed');
    expect((await looked(lab, job_id, 2)).detail).toContain('no longer in a git repository');
  });

  test('and a killed hub leave the start unknown, if the agent may have begun', async ({ lab, peer }) => {
    const repository = repositoryFor(lab);
    const { server, waits, goOn } = await withSlowGit(lab, '--untracked-files=no');
    const { job_id } = await server.delegate(peer, { workdir: repository.folder });
    await waits();
    await lab.killHub();
    await goOn();
    await server.ask('job_status', { job_id });
    await (await lab.reporter).report(job_id, 'completed');
    expect((await looked(lab, job_id, 1)).detail).toContain(
      'not known: the folder was not looked at when the job began',
    );
  });
});
