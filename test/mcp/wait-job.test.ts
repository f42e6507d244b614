import { expect, test } from 'vitest';
import { LIMITS } from '../../src/job/limits.ts';
import type { WaitAnswer } from '../../src/operations/wait.ts';
import type { ToolContext } from '../../src/tool/tool.ts';
import waitJob from '../../tools/wait-job.ts';
import { Story } from '../job/story.ts';

const { journal, record } = Story.working();
const ids = Array.from({ length: 100 }, (_, i) => `${'a'.repeat(59)}-${1000 + i}`);

test.each([
  ['of named jobs', ids],
  ['of the own ones', []],
])('an answer %s has at most 20,000 characters, however many they are', async (_, job_ids) => {
  const words = { detail: 'x'.repeat(LIMITS.detailChars), result: 'y'.repeat(LIMITS.resultPreviewChars) };
  const jobs = ids.map((job_id) => ({
    ...{ ...record, job_id, ...words, status: 'input_required' as const, reason: 'stalled' as const },
  }));
  const event = (_: unknown, seq: number) => ({ ...journal[0], seq, ...words });
  const events = Array.from({ length: 50 }, event) as WaitAnswer['events'];
  const cursor = ids.map((id) => `${id}:123456`).join(' ');
  const rest = { unseen: [], events_left_out: 0, cursor };
  const answer: WaitAnswer = { outcome: 'needs_attention', jobs, events, ...rest };
  const engine = { settings: {}, wait: async () => answer, shown: () => {} };
  const context = { engine, caller: {}, signal: new AbortController().signal, progress: () => {} };
  const args = { until: 'any' as const, ...(job_ids.length > 0 && { job_ids }) };
  const told = await waitJob.handle(args, context as unknown as ToolContext);
  expect(waitJob.outputSchema.parse(told)).toEqual(JSON.parse(JSON.stringify(told)));
  expect(JSON.stringify(told).length).toBeLessThanOrEqual(LIMITS.answerChars);
  expect(told.jobs.length + told.jobs_left_out).toBe(100);
  expect(told.cursor).toBe(cursor);
  expect(told.next).toContain('"cursor":"THE CURSOR OF THIS ANSWER"');
});
