import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { sharing as test } from '../support/lab-test.ts';
import { removeAtOnce } from '../support/remove.ts';
import { until } from '../support/until.ts';

// One after another: the shared registry is removed.

describe('a job whose folder someone has removed', () => {
  test('is over for those who wait for it, and for the pane', async ({ lab, server, reporter, peer }) => {
    const { job_id: first } = await server.delegate(peer);
    const { job_id: second } = await server.delegate(peer);
    const wait = lab.start(['wait', first]);
    const follow = lab.start(['logs', first, '--follow']);
    const held = server.wait({ job_id: first });
    const show = (words: string) => [wait, follow].every(({ seen }) => seen.stdout.includes(words));
    await until('both have begun', async () => {
      await reporter.report(first, 'progress', { detail: 'half of it' });
      return show('half of it');
    });
    // What they showed first was already in the journal: only later events prove that they follow.
    await reporter.report(first, 'progress', { detail: 'nearly all' });
    await until('both follow', () => show('nearly all'));
    expect(lab.record(second)).toMatchObject({ status: 'queued', phase: 'queued' });

    const { folder } = lab.paths(first);
    removeAtOnce(folder);
    const why = `Someone removed its folder ${folder}.`;
    expect(await held.answer).toMatchObject({
      outcome: 'final',
      jobs: [{ job_id: first, status: 'cancelled' }],
    });
    const waited = await wait.ended;
    expect(waited).toMatchObject({ code: 1, stdout: expect.stringContaining(`${first}  cancelled  ${why}`) });
    expect(await follow.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('cancelled') });
    await until('the next one has the pane', () => lab.record(second).status === 'working');

    // Nothing of it is kept, or comes back.
    const late = await lab.mam('publish', '--job', first, '--event', 'completed');
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no job with this id.') });
    expect((await lab.mam('cancel', first)).code).toBe(69);
    expect((await lab.mam('list')).stdout).not.toContain(first);
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(join(lab.home, 'live'))).toEqual([second]);
    expect((await lab.mam('cancel', second)).code).toBe(0);
  });

  test('continues with its whole registry removed, which the next job recreates', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const { job_id: first } = await server.delegate(peer);
    removeAtOnce(lab.registry);
    const { job_id: second } = await server.delegate(peer);
    expect(
      readdirSync(lab.registry)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual([first, second].sort());
    await (await lab.reporter).report(first, 'completed', { detail: 'All the same.' });
    expect(lab.record(first)).toMatchObject({ status: 'completed', detail: 'All the same.' });
    await until('the next one has the pane', () => lab.record(second).status === 'working');
    expect((await lab.mam('cancel', second)).code).toBe(0);
  });

  test('continues if the registry was only away, as with its disk', async ({ lab, server, peer }) => {
    const { job_id: id } = await server.delegate(peer);
    // As after unmounting a disk: an empty folder, without the hub's lock.
    const away = `${lab.registry}-away`;
    // The list of jobs is written some time after the job.
    await until('the list has the job as it is', () =>
      readFileSync(join(lab.registry, '.index.jsonl'), 'utf8')
        .split('\n')
        .some((row) => row.includes(id) && row.includes('"submitted"')),
    );
    renameSync(lab.registry, away);
    mkdirSync(lab.registry);
    await server.call('job_status', { job_id: id });
    removeAtOnce(lab.registry);
    renameSync(away, lab.registry);
    const reporter = await lab.reporter;
    await reporter.report(id, 'completed');
    expect(lab.record(id).status).toBe('completed');
    expect(lab.types(id)).not.toContain('cancelled');
  });
});

describe('a hub from which someone has removed a file', () => {
  test('recreates it and continues: its socket, hub.json, its lock', async ({ lab, server }) => {
    const { job_id: id } = await server.ask('delegate_job', { prompt: 'Wait', agent: 'human' });
    const pid = await lab.hubPid();
    const wait = lab.start(['wait', id]);
    const files = (...names: string[]) => names.map((name) => join(lab.home, name));
    for (const gone of [
      files('hub.sock'),
      files('hub.json'),
      files('hub.sock', 'hub.json', 'hub.owner', 'hub.lock'),
    ]) {
      for (const path of gone) rmSync(path, { recursive: true, force: true });
      await until('all of it is there again', () => gone.every((path) => existsSync(path)));
      expect((await lab.mam('publish', '--job', id, '--event', 'progress')).code).toBe(0);
      await until('one hub is left', () => lab.hubs.join() === String(pid));
    }
    await server.ask('publish_event', { job_id: id, event: 'completed' });
    expect((await wait.ended).code).toBe(0);
  });
});
