import { expect, test } from 'vitest';
import { digestSchema } from '../../../../src/hub/mesh/wire/messages.ts';

test.each([
  ['k3f9x2ab-roof', true],
  ['../../../../dev/zero', false],
  ['', false],
])('a digest may name the job %s: %s', (id, isRead) => {
  const digest = { v: 1, epoch: '2026-11-30T12:00:00.000Z', jobs: [[id, 3]] };
  expect(digestSchema.safeParse(digest).success).toBe(isRead);
});
