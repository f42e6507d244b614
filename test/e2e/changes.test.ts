import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
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
});
