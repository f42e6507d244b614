import { expect, test } from 'vitest';
import { isJobId, newEventId, newJobId, randomSuffix } from '../../src/base/ids.ts';

test.each([
  ['Mend the roof', /^mend-the-roof-[a-z0-9]{8}$/],
  ['  Fix: the (tests)! ', /^fix-the-tests-[a-z0-9]{8}$/],
  ['Café über Äpfel', /^cafe-uber-apfel-[a-z0-9]{8}$/],
  ['지붕을 고쳐 주세요', /^job-[a-z0-9]{8}$/],
  ['', /^job-[a-z0-9]{8}$/],
  ['../../etc/passwd', /^etc-passwd-[a-z0-9]{8}$/],
  ['$(rm -rf /)', /^rm-rf-[a-z0-9]{8}$/],
  ['--help', /^help-[a-z0-9]{8}$/],
  ['x'.repeat(200), /^x{40}-[a-z0-9]{8}$/],
  ['word '.repeat(100), /^(word-){8}[a-z0-9]{8}$/],
])('the prompt %j gives an id to recognise it by', (prompt, id) => {
  const made = newJobId(prompt);
  expect(made).toMatch(id);
  expect(isJobId(made)).toBe(true);
});

test('ids are unique', () => {
  const ids = Array.from({ length: 5_000 }, () => newJobId('x'));
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(Array.from({ length: 5_000 }, newEventId)).size).toBe(5_000);
  expect(randomSuffix()).toMatch(/^[a-z0-9]{8}$/);
});

test.each([
  '',
  '.',
  '..',
  '-x',
  'a/b',
  'a\\b',
  'A',
  'a b',
  'a.b',
  'a#',
  'a+',
  'é',
  'a\n',
  'x'.repeat(65),
  '.hub.lock',
])('%j is not a job id', (id) => {
  expect(isJobId(id)).toBe(false);
});

test.each(['a', '0', 'a-b', 'x'.repeat(64)])('%j is one', (id) => {
  expect(isJobId(id)).toBe(true);
});
