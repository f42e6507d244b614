import { expect, test } from 'vitest';
import { diffOf } from '../../src/install/diff.ts';

test.each([
  [
    'a line in the middle',
    'a\nb\nc\nd\ne\n',
    'a\nb\nc\nnew\nd\ne\n',
    '--- /f\n+++ /f\n@@ -2,4 +2,5 @@\n b\n c\n+new\n d\n e',
  ],
  ['a new file', undefined, 'a\n', '--- (no file)\n+++ /f\n@@ -0,0 +1,1 @@\n+a'],
  ['a removed one', 'a\n', undefined, '--- /f\n+++ (no file)\n@@ -1,1 +0,0 @@\n-a'],
  [
    'a last line without its end',
    'a',
    'a\n',
    '--- /f\n+++ /f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a',
  ],
  ['an escape sequence', '', '\u001b[31mred\r\n', '--- /f\n+++ /f\n@@ -0,0 +1,1 @@\n+red'],
])('%s is shown as diff shows it', (_, before, after, shown) => {
  expect(diffOf('/f', before, after)).toBe(shown);
});

test('of a file on one line only the part that changes is shown', () => {
  const secret = 'x'.repeat(1_000);
  const shown = diffOf('/f', `{"a":"${secret}","b":1}`, `{"a":"${secret}","b":1,"new":2}`);
  expect(shown).toContain('"b":1,"new":2}');
  expect(shown.length).toBeLessThan(300);
});
