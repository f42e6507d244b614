import { expect, test } from 'vitest';
import { allowedTo } from '../../../src/hub/mesh/allowed.ts';

const MAY = {
  delegate: true,
  start: false,
  validate: false,
  decide: false,
  see: 'own',
  max_open_jobs: 10,
} as const;

test('a host is not told that it may delegate where every job would be refused for want of a folder', () => {
  expect(allowedTo({ ...MAY, workdirs: [] }, false).delegate).toBe(false);
  expect(allowedTo({ ...MAY, workdirs: ['/srv'] }, false).delegate).toBe(true);
  expect(allowedTo(undefined, true).delegate).toBe(true);
});
