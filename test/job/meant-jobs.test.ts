import { expect, test } from 'vitest';
import { jobsMeant, reportedJob, severalMeant } from '../../src/job/meant-jobs.ts';

const OPEN = ['k3f9x2ab-fix-login-test', 'k3z4mnpq-fix-cart', 'paint-shed-9ab8cd7e', 'nob-2'];
const ENDED = ['b7k3hhhh-login-page', 'login-old-12345678', 'k3f9x2ab', 'm2m3m4m5-cellar', 'nob'];
const KNOWN = [
  ...OPEN.map((job_id) => ({ job_id, isOpen: true })),
  ...ENDED.map((job_id) => ({ job_id, isOpen: false })),
];
const meant = (given: string): string[] => jobsMeant(given, KNOWN).map(({ job_id }) => job_id);

test.each([
  ['a whole id, even if it is part of an open one', 'nob', ['nob']],
  ['a whole id that is the random part of another', 'k3f9x2ab', ['k3f9x2ab']],
  ['a random part', 'm2m3m4m5', ['m2m3m4m5-cellar']],
  ['the random part of an earlier version', '9ab8cd7e', ['paint-shed-9ab8cd7e']],
  ['the beginning of a random part', 'k3f', ['k3f9x2ab-fix-login-test']],
  ['the beginning of an ended random part, before a part of an open id', 'm2', ['m2m3m4m5-cellar']],
  ['several beginnings', 'k3', ['k3f9x2ab-fix-login-test', 'k3z4mnpq-fix-cart']],
  ['a word, of open jobs only', 'login', ['k3f9x2ab-fix-login-test']],
  ['the beginning of an id of an earlier version, before a part', 'pain', ['paint-shed-9ab8cd7e']],
  ['several words', 'fix', ['k3f9x2ab-fix-login-test', 'k3z4mnpq-fix-cart']],
  ['a word of ended jobs, if no open one has it', 'cell', ['m2m3m4m5-cellar']],
  ['the beginning of an ended one, before a part', 'login-o', ['login-old-12345678']],
  ['nothing', 'attic', []],
])('%s', (_, given, expected) => {
  expect(meant(given)).toEqual(expected);
});

test('an error names five jobs with their statuses', () => {
  const found = Array.from({ length: 7 }, (_, n) => ({ job_id: `job-${n}`, status: 'working' }));
  expect(severalMeant('job', found).text).toBe(
    'job is part of 7 job ids: job-0 (working), job-1 (working), job-2 (working), job-3 (working), job-4 (working) and 2 more. Give more of the id.',
  );
});

test.each([
  ['k3f9x2ab', 'k3f9x2ab-fix-login-test'],
  ['k3f9x2ab-fix', 'k3f9x2ab-fix-login-test'],
  ['9ab8cd7e', 'paint-shed-9ab8cd7e'],
  ['k3f9x2ab-paint', undefined],
  ['k3f9', undefined],
  ['login', undefined],
  ['fix-login-test', undefined],
  ['paint', undefined],
])('a report with the id %s is for %s', (given, expected) => {
  const known = OPEN.map((job_id) => ({ job_id }));
  expect(reportedJob(given, known)?.job_id).toBe(expected);
});

test('a report is for nobody if two jobs have the random part', () => {
  const known = [{ job_id: 'k3f9x2ab-one' }, { job_id: 'k3f9x2ab-two' }];
  expect(reportedJob('k3f9x2ab', known)).toBeUndefined();
  expect(reportedJob('k3f9x2ab-one', known)?.job_id).toBe('k3f9x2ab-one');
});
