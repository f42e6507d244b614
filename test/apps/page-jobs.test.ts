import { expect, test } from 'vitest';
import { fetchJobs, hasMore, headline, inOrder } from '../../src/boards/page/jobs.ts';

const row = (job_id: string, status: string, created_at = '2026-01-01') =>
  ({ job_id, status, created_at, ...(status === 'input_required' && { needs_you: true }) }) as never;
const keptOut = { job_id: 'kept', status: 'queued', blocked_by: 'draft', needs_you: true };
const list = (jobs: unknown[], more: object = {}) => ({ jobs, total: jobs.length, ...more }) as never;

test('more jobs are available if the hub says so, until the page is full', () => {
  expect(hasMore(list([row('a', 'working')]))).toBe(false);
  expect(hasMore(list([row('a', 'working')], { cursor: 'next' }))).toBe(true);
  const many = Array.from({ length: 10_000 }, (_, n) => row(`${n}`, 'working'));
  expect(hasMore(list(many, { cursor: 'next' }))).toBe(false);
});

test('jobs that need someone come first, then other open ones, each newest first', () => {
  const jobs = [row('done', 'completed', '2026-03'), row('old', 'working'), row('new', 'working', '2026-02')];
  const ordered = inOrder([...jobs, row('asks', 'input_required')]);
  expect(ordered.map((placed) => placed.row.job_id)).toEqual(['asks', 'new', 'old', 'done']);
});

test('an old job that needs someone is fetched in addition to the newest, once', async () => {
  const asked: object[] = [];
  const host = {
    call: async (_tool: string, args: { needs_you?: boolean }) => {
      asked.push(args);
      return args.needs_you === undefined
        ? list([row('new', 'input_required'), row('next', 'working')], { cursor: 'next' })
        : list([row('new', 'input_required'), row('old', 'input_required')]);
    },
  };
  const { jobs } = await fetchJobs(host as never, {}, 2);
  expect(jobs.map(({ job_id }) => job_id)).toEqual(['new', 'next', 'old']);
  expect(asked).toHaveLength(2);
});

test('one that is kept from its pane counts as one that needs someone', () => {
  const jobs = [row('done', 'completed'), row('new', 'working', '2026-02'), keptOut];
  expect(headline(list(jobs))).toBe('2 open · 1 needs you · 3 jobs');
  expect(inOrder(jobs as never[]).map((placed) => placed.row.job_id)).toEqual(['kept', 'new', 'done']);
});

test.each([
  [['working'], '1 open · 1 job'],
  [['input_required', 'completed'], '1 open · 1 needs you · 2 jobs'],
  [['input_required', 'input_required'], '2 open · 2 need you · 2 jobs'],
])('%j is counted as "%s"', (statuses, text) => {
  expect(headline(list(statuses.map((status, n) => row(`${n}`, status))))).toBe(text);
});
