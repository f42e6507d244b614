import { expect, test } from 'vitest';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { Turns } from '../../src/hub/signals/turns.ts';

/** The outcome of a turn's end for a job with this record: reminders, and recorded events. */
function endOf(record: object): { reminded: number; told: unknown[]; turns: Turns; job: LiveJob } {
  const seen = { reminded: 0, told: [] as unknown[] };
  const turns = new Turns({
    notes: { remind: () => seen.reminded++ },
    registrar: { record: async (_job: unknown, draft: { type: string }) => void seen.told.push(draft.type) },
  } as never);
  const usual = { status: 'working', phase: 'submitted', submitted_at: 'now', attention: [], messages: [] };
  const job = { id: 'roof', record: { ...usual, requests: [], ...record } } as unknown as LiveJob;
  turns.ended(job, 'The roof looks fine.', 'hook');
  return Object.assign(seen, { turns, job });
}

test('the first turn that ends without a report gets a reminder, once however often it ends', () => {
  const seen = endOf({});
  seen.turns.ended(seen.job, 'The roof looks fine.', 'hook');
  expect(seen).toMatchObject({ reminded: 1, told: [] });
});

test('the turn after the reminder is reported', () => {
  expect(endOf({ reminded_at: 'now' })).toMatchObject({ reminded: 0, told: ['turn_ended'] });
});

test.each([
  ['has not been given its order', { submitted_at: undefined }],
  ['is being checked', { phase: 'validating' }],
  ['waits for an answer', { status: 'input_required', attention: ['question'] }],
  ['is about to be given its first message', { messages: [{}] }],
  ['is about to be given another message', { messages: [{}, {}], messages_announced: 1 }],
])('a job that %s is neither reminded nor reported', (_what, record) => {
  expect(endOf(record)).toMatchObject({ reminded: 0, told: [] });
});

test('a job whose messages were all given is reminded', () => {
  expect(endOf({ messages: [{}], messages_announced: 1 })).toMatchObject({ reminded: 1 });
});
