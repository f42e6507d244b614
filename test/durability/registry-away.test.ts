import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

const outbox = (lab: Lab) => readdirSync(join(lab.home, 'outbox'));

describe('a registry that is away when a hub starts', () => {
  test.for([
    ['its folder is missing', false],
    ['an empty folder is in its place, as of an unmounted disk', true],
  ] as const)(
    '%s: nothing is thrown away, and the job goes on when it is back',
    async ([, isEmpty], { lab }) => {
      plant(lab, 'far-away', { timeouts: { timeout_seconds: 3, idle_timeout_seconds: 3_600 } });
      plant(lab, 'far-off');
      plant(lab, 'over');
      const reporter = await lab.startPeerServer();
      for (const id of ['far-away', 'far-off']) await reporter.report(id, 'started');
      await reporter.report('over', 'completed');
      const live = () => readdirSync(join(lab.home, 'live')).sort();
      await until('the ended one is at rest', () => !live().includes('over'));
      await lab.killHub();
      const away = `${lab.registry}-away`;
      renameSync(lab.registry, away);
      if (isEmpty) mkdirSync(lab.registry);
      const kept = await lab.mam('publish', '--job', 'far-off', '--event', 'completed', '--detail', 'done');
      expect(kept).toMatchObject({ code: 0, stderr: expect.stringContaining('is not there now') });
      expect(outbox(lab)).not.toEqual([]);
      expect(live()).toEqual(['far-away', 'far-off']);
      const status = await lab.mam('hub', 'status');
      expect(status.stdout).toContain(`away        ${lab.registry} (open there: far-away, far-off`);
      expect((await lab.mam('doctor')).stdout).toMatch(/The registry \S+ of [23] open jobs is away\./);
      if (!isEmpty) expect((await lab.mam('list')).stderr).toContain('is not there now');
      expect((await lab.mam('status', 'far-away')).stderr).toContain('is not there now');
      // It may have this one, too.
      expect((await lab.mam('status', 'over')).stderr).toContain('no other one has job over');
      const unsure = await lab.mam('publish', '--job', 'over', '--event', 'progress', '--detail', 'late');
      expect(unsure).toMatchObject({ code: 0, stderr: expect.stringContaining('no other one has job over') });

      if (isEmpty) rmSync(lab.registry, { recursive: true });
      renameSync(away, lab.registry);
      await lab.event('far-off', 'completed');
      expect(lab.record('far-off')).toMatchObject({ status: 'completed', detail: 'done' });
      await lab.event('far-away', 'timeout');
      await until('the late report is recorded', () => lab.events('over').at(-1)?.detail === 'late');
      await until('nothing is live', () => readdirSync(join(lab.home, 'live')).length === 0);
      await until('the outbox is empty', () => outbox(lab).length === 0);
    },
  );

  test('holds up the reports on its own jobs only, also those of one publisher', async ({ lab }) => {
    const other = join(lab.folder, 'p', 'other');
    plant(lab, 'far-away');
    plant(lab, 'near-by', {}, other);
    const reporter = await lab.startPeerServer();
    await reporter.report('far-away', 'started');
    await lab.killHub();
    renameSync(lab.registry, `${lab.registry}-away`);
    const first = await reporter.report('far-away', 'progress', { detail: 'one' });
    expect(first).toMatchObject({ accepted: true, recorded: false });
    await reporter.report('near-by', 'completed', { detail: 'done' });
    await until('it is recorded', () => lab.record('near-by', other).status === 'completed');
    await reporter.report('far-away', 'completed', { detail: 'two' });
    renameSync(`${lab.registry}-away`, lab.registry);
    await lab.event('far-away', 'completed');
    expect(lab.events('far-away').map(({ detail }) => detail)).toEqual([undefined, undefined, 'one', 'two']);
  });
});

test('a registry that goes away under a hub, or before the next one: nobody is told that there is nothing, and nothing is made anew', async ({
  lab,
}) => {
  const server = await lab.startServer();
  const order = { prompt: 'Mend the roof', agent: 'human', request_key: 'once' };
  const { job_id } = await server.ask('delegate_job', order);
  const away = `${lab.registry}-away`;
  renameSync(lab.registry, away);
  const refused = async (again: object) => {
    for (const [tool, args] of [
      ['list_jobs', {}],
      ['wait_job', {}],
      ['delegate_job', again],
      ['job_status', { job_id: 'another' }],
    ] as const)
      expect(await server.refusal(tool, args)).toContain('is not there now');
  };
  await refused({ ...order, request_key: 'another' });
  await lab.killHub();
  await refused(order);
  expect(existsSync(lab.registry)).toBe(false);
  renameSync(away, lab.registry);
  expect(await server.ask('delegate_job', order)).toMatchObject({ job_id, repeated: true });
  await server.ask('cancel_job', { job_id });
});
