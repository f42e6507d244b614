import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { removeAtOnce } from '../support/remove.ts';
import { until } from '../support/until.ts';

describe('a registry that is removed under its open jobs', () => {
  test('`git clean -fdx` by the peer: its result is found, and the hub stays', async ({ lab }) => {
    lab.expected.push(/^p\/\.git\//);
    await lab.run('git', ['init', '-q']);
    plant(lab, 'cleaner');
    plant(lab, 'bystander');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'cleaner');
    await lab.begin(reporter, 'bystander');
    const pid = await lab.hubPid();
    for (const round of ['first', 'second']) {
      const { stdout } = await lab.run('git', ['clean', '-fdx']);
      // The hub may have an event of its own to record right after it.
      expect(stdout).toContain('Removing .mam/');
      const told = await reporter.report('cleaner', 'progress', { detail: round });
      expect(told).toMatchObject({ accepted: true, recorded: true });
      expect(lab.record('cleaner').detail).toBe(round);
      expect(lab.record('bystander').status).toBe('working');
    }
    await lab.run('git', ['clean', '-fdxq']);
    const result = 'all of it\n'.repeat(2_000);
    const told = await reporter.report('cleaner', 'completed', { detail: 'done', result });
    expect(told).toMatchObject({ recorded: true, status: 'completed' });
    const { stdout } = await lab.mam('status', 'cleaner', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', detail: 'done' });
    expect(readFileSync(lab.record('cleaner').result_file ?? '', 'utf8')).toBe(result);
    expect(await lab.hubPid()).toBe(pid);
    await lab.killHub();
    await reporter.report('bystander', 'completed', { detail: 'me too' });
    await until('it is recorded', () => lab.record('bystander').status === 'completed');
  });

  test('its task and long texts are restored, and what could not be is reported', async ({ lab }) => {
    const server = await lab.startServer();
    const prompt = 'Mend the roof. '.repeat(2_000);
    const { job_id: id } = await server.ask('delegate_job', { prompt, agent: 'human' });
    plant(lab, 'older');
    const reporter = await lab.startPeerServer();
    const detail = '한'.repeat(1_900);
    await reporter.report(id, 'progress', { detail });
    await lab.begin(reporter, 'older');
    const { texts } = lab.paths(id);
    removeAtOnce(lab.registry);
    await reporter.report(id, 'progress', { detail: 'on' });
    expect(readFileSync(lab.paths(id).prompt, 'utf8')).toBe(prompt);
    expect(readdirSync(texts)).toHaveLength(1);
    expect((await lab.mam('logs', id)).stdout).not.toContain('the rest is gone');
    expect(lab.hubLog()).toContain('The files of older were removed: its task could not be restored.');
    const shown = await server.ask('job_status', { job_id: 'older' });
    expect(JSON.stringify(shown)).toContain('could not be restored');
    removeAtOnce(texts);
    expect((await lab.mam('logs', id)).stdout).toContain('the rest is gone');
    for (const job_id of [id, 'older']) await server.ask('cancel_job', { job_id });
  });

  test('only the lock: it is taken again, and no number is used twice', async ({ lab }) => {
    const other = join(lab.folder, 'home-2');
    lab.homes.push(other);
    plant(lab, 'locked');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'locked');
    const pid = await lab.hubPid();
    for (const file of ['.hub.lock', '.hub.owner']) rmSync(join(lab.registry, file), { recursive: true });
    const told = await reporter.report('locked', 'progress', { detail: 'still here' });
    expect(told).toMatchObject({ recorded: true, seq: 3 });
    const second = await lab.startServer({ MAM_HOME: other });
    expect(await second.refusal('list_jobs')).toContain('is being written by another hub');
    await reporter.report('locked', 'completed');
    expect(lab.types('locked')).toEqual(['queued', 'started', 'progress', 'completed']);
    expect(await lab.hubPid()).toBe(pid);
  });

  test('another home takes it: its jobs wait, and the hub serves all other jobs', async ({ lab }) => {
    const other = join(lab.folder, 'home-2');
    lab.homes.push(other);
    const elsewhere = join(lab.folder, 'p', 'elsewhere');
    plant(lab, 'held');
    plant(lab, 'free', {}, elsewhere);
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'held', 'free');
    const pid = await lab.hubPid();
    process.kill(pid, 'SIGSTOP');
    for (const file of ['.hub.lock', '.hub.owner']) rmSync(join(lab.registry, file), { recursive: true });
    const second = await lab.startServer({ MAM_HOME: other });
    await second.ask('list_jobs');
    process.kill(pid, 'SIGCONT');
    await lab.logged('is being written by another hub');
    expect(await reporter.report('free', 'progress')).toMatchObject({ recorded: true });
    const told = await reporter.call('publish_event', { job_id: 'held', event: 'completed', detail: 'done' });
    expect(told.structuredContent).toMatchObject({ accepted: true, recorded: false });
    expect(JSON.stringify(told)).toContain('is being written by another hub');
    const { stdout } = await lab.mam('hub', 'status');
    expect(stdout).toMatch(
      /waits {7}\S+ \(open there: held\): The registry \S+ is being written by another hub/,
    );
    await lab.mam('hub', 'restart');
    process.kill(lab.hub(other).pid, 'SIGTERM');
    await lab.event('held', 'completed');
    await reporter.report('free', 'completed');
  });

  test('only the journal: what was acknowledged is restored', async ({ lab }) => {
    plant(lab, 'cut');
    const reporter = await lab.startPeerServer();
    await lab.begin(reporter, 'cut');
    await reporter.report('cut', 'progress', { detail: 'half' });
    const { journal } = lab.paths('cut');
    renameSync(journal, `${journal}.aside`);
    await until('it is there again', () => existsSync(journal));
    await reporter.report('cut', 'progress', { detail: 'more' });
    // In the same turn as the report, while the file is open.
    renameSync(journal, `${journal}.aside`);
    const told = await reporter.report('cut', 'completed', { detail: 'whole' });
    expect(told).toMatchObject({ recorded: true, status: 'completed' });
    expect(lab.types('cut')).toEqual(['queued', 'started', 'progress', 'progress', 'completed']);
    rmSync(`${journal}.aside`);
  });
});
