import { expect, test } from 'vitest';
import { jobLines } from '../../src/boards/terminal/text-lines.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { Story } from '../job/story.ts';

const story = Story.working();
const events: RecordedEvent[] = Array.from({ length: 40 }, () => story.journal).flat();
const AT = '2026-01-01T00:00:00.000Z';
const COMMIT = 'abcdef0123456789abcdef0123456789abcdef01';
const folder = '/home/ann/src/shop-backend.worktrees/mam-mend-the-roof-of-the-backend-before-winter';
const record: JobRecord = {
  ...story.record,
  worktree: { folder, branch: 'mam/mend-the-roof', base: COMMIT, repository: '/home/ann/src/.git' },
  changes: {
    top: folder,
    repository: '/home/ann/src/.git',
    start: { at: AT, head: COMMIT, branch: 'mam/mend-the-roof', dirty_count: 0 },
    end: { at: AT, head: COMMIT, branch: 'mam/mend-the-roof', dirty_count: 0 },
    commit_count: 2,
    stat: { files: 4, insertions: 27, deletions: 0 },
  },
  overlaps: [{ job_id: 'paint-the-shed', files: ['roof.txt'], count: 1 }],
  merged: { into: 'main', commit: COMMIT, at: AT },
};

function factsIn(width: number, height: number): string[] {
  const lines = jobLines({ jobId: record.job_id, record, events }, { width, height });
  expect(lines.length).toBe(height);
  for (const { lead, text } of lines) expect((lead + text).length).toBeLessThanOrEqual(width);
  expect(lines.filter(({ kind }) => kind === 'event').length).toBeGreaterThanOrEqual(4);
  return lines.filter(({ kind }) => kind === 'prompt').map(({ text }) => text);
}

test('what a job has changed, who else has, and what became of it have lines of their own', () => {
  const [, changed, overlaps, work] = factsIn(80, 8);
  expect(changed).toBe('changed: 4 files changed, 27 insertions(+) in 2 commits.');
  expect(overlaps).toBe('overlaps: Job paint-the-shed changed the same file: roof.txt.');
  expect(work).toMatch(/^work: merged into main \(abcdef0123\), branch mam\/mend-the-roof in \/home.*…$/);
});

test('where there is room they are whole, and where there is little the events stay', () => {
  // Lines end at spaces, which are not shown.
  const whole = factsIn(50, 30).join('').replaceAll(' ', '');
  expect(whole).toContain('changedthesamefile:roof.txt.');
  expect(whole).toContain(`in${folder},fromabcdef0123`);
  expect(factsIn(50, 6)).toHaveLength(2);
});
