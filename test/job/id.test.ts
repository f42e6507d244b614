import { expect, test } from 'vitest';
import {
  beginsRandomly,
  isJobId,
  newEventId,
  newJobId,
  randomPartOf,
  randomSuffix,
} from '../../src/base/ids.ts';

const RANDOM = '[a-hjkmnp-z][2-9][a-hjkmnp-z2-9]{6}';

test.each([
  ['Mend the roof', 'mend-the-roof'],
  ['  Fix: the (tests)! ', 'fix-the-tests'],
  ['Café über Äpfel', 'cafe-uber-apfel'],
  ['지붕을 고쳐 주세요', 'job'],
  ['', 'job'],
  ['../../etc/passwd', 'etc-passwd'],
  ['$(rm -rf /)', 'rm-rf'],
  ['--help', 'help'],
  ['\u001b[31mFAIL\u001b[0m login', 'fail-login'],
  ['x'.repeat(200), 'x{20}'],
  ['word '.repeat(100), '(word-){3}word'],
])('the prompt %j gives an id to recognise it by', (prompt, slug) => {
  const made = newJobId(prompt);
  expect(made).toMatch(new RegExp(`^${RANDOM}-${slug}$`));
  expect(isJobId(made)).toBe(true);
  expect(beginsRandomly(made)).toBe(true);
  expect(randomPartOf(made)).toBe(made.slice(0, 8));
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

test('the random part of an id of an earlier version is its end', () => {
  expect(randomPartOf('fix-login-7f3kq2ab')).toBe('7f3kq2ab');
  expect(beginsRandomly('fix-login-7f3kq2ab')).toBe(false);
  expect(randomPartOf('roof')).toBeUndefined();
});
