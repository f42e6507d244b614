import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import { plant, signed } from '../support/plant.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** One lab, whose jobs exist before its hub starts; and one server that requests them. */
const test = sharing.extend<{ server: LabServer }>({
  server: [
    async ({ lab }, use) => {
      for (const id of ['long', 'roof', 'gutter', 'cellar']) plant(lab, id);
      writeLong(lab);
      await use(await lab.startServer());
    },
    { scope: 'file' },
  ],
});

/** Adds events to a planted job's journal, as a hub would have written them. */
function write(lab: Lab, id: string, events: Record<string, unknown>[]): void {
  const lines = events.map((event, n) => {
    const own = { seq: n + 2, event_id: `e${n + 2}`, job_id: id, source: 'peer', at: '' };
    return signed(lab.home, id, { ...own, recorded_at: new Date().toISOString(), ...event });
  });
  writeFileSync(lab.paths(id).journal, lines.join(''), { flag: 'a' });
}

/** A job with 1,000 events and a long log of its check. */
function writeLong(lab: Lab): void {
  const hard = ['x'.repeat(1_900), '"\\\n'.repeat(600), '결과 '.repeat(600), '🏠'.repeat(400)];
  write(
    lab,
    'long',
    Array.from({ length: 1_000 }, (_, n) => ({
      type: 'progress',
      detail: n % 7 === 0 ? hard[n % hard.length] : `step ${n}`,
      ...(n === 0 && { type: 'permission_required', source: 'hook', data: { tool: 'Bash', input: hard[1] } }),
    })),
  );
  writeFileSync(join(lab.registry, 'long', 'validate.log'), '"quoted" line\n'.repeat(5_000));
}

test('job_logs pages 1,000 events, all of them, at most 20,000 characters each', async ({ lab, server }) => {
  const seen: number[] = [];
  let pages = 0;
  for (let after = 0, more = true; more; pages++) {
    const args = { job_id: 'long', after, include: ['events', 'validation', 'screen'] };
    const result = await server.call('job_logs', args);
    expect(result.content[0].text.length).toBeLessThanOrEqual(20_000);
    expect(JSON.stringify(result.structuredContent)).toBe(result.content[0].text);
    const page = result.structuredContent;
    expect(page.events.length).toBeGreaterThan(0);
    expect(page.open_request).toMatchObject({ request_id: 'e2', kind: 'permission', tool: 'Bash' });
    expect(page.validation_output).toMatch(/"quoted" line\n$/);
    expect(page.validation_file).toBe(join(lab.registry, 'long', 'validate.log'));
    seen.push(...page.events.map(({ seq }: { seq: number }) => seq));
    ({ cursor: after, more } = page);
  }
  expect(seen).toEqual(Array.from({ length: 1_001 }, (_, n) => n + 1));
  expect(pages).toBeGreaterThan(10);
  const last = await server.ask('job_logs', { job_id: 'long', after: 999, limit: 1 });
  expect(last).toMatchObject({ cursor: 1_000, more: true, next: expect.stringContaining('"after":1000') });
  expect(last.screen).toBeUndefined();
  const parts = await server.ask('job_logs', { job_id: 'long', include: ['screen'] });
  expect(parts).toMatchObject({ events: [], more: false, screen_missing: 'The job has no pane.' });
});

test('job_logs refuses an unknown job, and unknown parts', async ({ server }) => {
  expect(await server.refusal('job_logs', { job_id: 'nobody' })).toContain('There is no job with this id');
  expect(await server.refusal('job_logs', { job_id: 'x', include: ['all'] })).toContain('validation');
});

test('verify_job returns the verdict, and leaves the job as it is', async ({ lab, server }) => {
  const venv = await lab.startServer({ VIRTUAL_ENV: '/venv' });
  writeFileSync(join(lab.project, 'check.sh'), 'echo "in $PWD with $JOB_ID $VIRTUAL_ENV"; exit 7\n');
  const answer = await venv.ask('verify_job', { job_id: 'roof', validate: 'check.sh' });
  expect(answer).toMatchObject({
    ...{ job_id: 'roof', status: 'queued', running: false, passed: false, exit_code: 7 },
    output_tail: `in ${lab.project} with roof /venv\n`,
  });
  expect(lab.events('roof').map(({ type, source }) => `${type}/${source}`)).toEqual([
    'queued/hub',
    'verified/supervisor',
  ]);
  for (const [args, words] of [
    [{ job_id: 'nobody', validate: 'check.sh' }, 'There is no job with this id'],
    [{ job_id: 'roof', validate: 'no.sh' }, 'cannot be read'],
    [{ job_id: 'roof' }, 'without a validation script'],
  ] as const)
    expect(await server.refusal('verify_job', args)).toContain(words);
});

test('verify_job: several at once, others served, a verdict outlives its wait', async ({ lab, server }) => {
  const text = 'echo $$ >> pids-several\nuntil [ -e go-several ]; do sleep 0.02; done\necho through\n';
  writeFileSync(join(lab.project, 'several.sh'), text);
  const short = await lab.startServer({ MAM_TOOL_TIMEOUT_SECONDS: '1' });
  const args = { job_id: 'gutter', validate: 'several.sh' };
  const [first, second] = [server.ask('verify_job', args), server.ask('verify_job', args)];
  const early = await short.ask('verify_job', args);
  expect(early).toMatchObject({ running: true, next: expect.stringContaining('"after":1') });
  expect(early.passed).toBeUndefined();
  expect((await server.ask('job_status', { job_id: 'gutter' })).status).toBe('queued');
  writeFileSync(join(lab.project, 'go-several'), '');
  for (const run of [first, second])
    expect(await run).toMatchObject({ passed: true, output_tail: 'through\n' });
  const log = await until('all verdicts are in the log', async () => {
    const { events } = await short.ask('job_logs', { job_id: 'gutter', after: 1 });
    return events.length === 3 && events;
  });
  expect(log.map(({ type, by, passed }: Record<string, unknown>) => [type, by, passed])).toEqual(
    Array(3).fill(['verified', 'supervisor test', true]),
  );
});

test('the end of the hub ends a script, and the next hub runs it again', async ({ lab, server }) => {
  const text = 'echo $$ >> pids\nuntil [ -e go ]; do sleep 0.02; done\n';
  writeFileSync(join(lab.project, 'held.sh'), text);
  const pids = (): number[] =>
    readFileSync(join(lab.project, 'pids'), 'utf8').split('\n').filter(Boolean).map(Number);
  const run = server.ask('verify_job', { job_id: 'cellar', validate: 'held.sh' });
  await until('it runs', () => pids().length === 1);
  const [first = 0] = pids();
  await lab.mam('hub', 'stop');
  await until('it runs again', () => pids().length === 2);
  expect(isRunning(first)).toBe(false);
  writeFileSync(join(lab.project, 'go'), '');
  expect(await run).toMatchObject({ passed: true });
  expect(lab.events('cellar').map(({ type }) => type)).toEqual(['queued', 'verified']);
});
