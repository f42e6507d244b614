import { expect, test } from 'vitest';
import { inOrder } from '../../src/boards/page/jobs.ts';
import { LiveJobs, type News } from '../../src/boards/page/live-jobs.ts';
import type { JobRow } from '../../src/job/row.ts';

const AT = '2026-01-01T00:00:00.000Z';
const row = (job_id: string, status: string): JobRow => ({
  ...{ job_id, agent: 'human', status, phase: 'submitted', prompt_preview: '', created_at: AT },
});
const news = (seen: number, job_id: string, status: string, made = false): News => ({
  ...{ seen, heard: { status, phase: 'submitted', event: { job_id, type: 'x', recorded_at: AT } } },
  ...(made && { row: row(job_id, 'queued') }),
});

/** A host whose answers are given by the test, in the order of the calls. */
function hostOf() {
  const waiting: ((answer: object) => void)[] = [];
  const ask = () => new Promise((resolve) => waiting.push(resolve));
  const answer = async (seen: number, jobs: JobRow[], cursor?: string): Promise<void> => {
    waiting.shift()?.({ seen, answer: { jobs, total: 10, cursor } });
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { live: new LiveJobs({ ask } as never), answer };
}
const statuses = (live: LiveJobs) => live.list.jobs.map(({ job_id, status }) => `${job_id} ${status}`);

test('an event that came before an older answer is not undone by it', async () => {
  const { live, answer } = hostOf();
  const loaded = live.reload();
  live.hear(news(6, 'a', 'completed'));
  live.hear(news(7, 'b', 'working', true));
  await answer(5, [row('a', 'working')]);
  await answer(5, [row('a', 'working'), row('c', 'failed')]);
  await loaded;
  expect(statuses(live).sort()).toEqual(['a completed', 'b working', 'c failed']);
});

test('of jobs that need someone, the one that has waited longest is first', async () => {
  const { live, answer } = hostOf();
  const loaded = live.reload();
  await answer(0, [row('old', 'working'), row('new', 'working')]);
  await answer(0, []);
  await loaded;
  for (const [seen, id] of ['new', 'old'].entries()) {
    const asks = news(seen + 1, id, 'input_required');
    const at = `2026-01-01T00:00:0${seen + 1}.000Z`;
    live.hear({
      ...asks,
      heard: { ...asks.heard, needs_you: true, event: { ...asks.heard.event, recorded_at: at } },
    });
  }
  expect(inOrder(live.list.jobs).map(({ row }) => row.job_id)).toEqual(['new', 'old']);
});

test('an event that a newer answer contains changes nothing', async () => {
  const { live, answer } = hostOf();
  const loaded = live.reload();
  await answer(9, [row('a', 'input_required')]);
  await answer(9, []);
  await loaded;
  expect(live.hear(news(8, 'a', 'working'))).toBe(false);
  expect(live.hear(news(8, 'elsewhere', 'working'))).toBe(false);
  expect(live.hear(news(10, 'a', 'working'))).toBe(true);
  expect(statuses(live)).toEqual(['a working']);
});

test('reloading drops what is gone, and keeps as many older jobs as were there', async () => {
  const { live, answer } = hostOf();
  const loaded = live.reload();
  await answer(0, []);
  await answer(0, [row('a', 'failed')], 'a');
  await loaded;
  const more = live.more();
  expect(await live.more()).toBe(false);
  await answer(0, [row('b', 'failed'), row('gone', 'failed')], 'b');
  expect(await more).toBe(true);
  const again = live.reload();
  await answer(0, []);
  await answer(0, [row('a', 'failed')], 'a');
  await answer(0, [row('b', 'failed'), row('c', 'failed')], 'c');
  await again;
  expect(statuses(live)).toEqual(['a failed', 'b failed', 'c failed']);
  expect(live.list.cursor).toBe('c');
});
