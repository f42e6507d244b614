import { describe, expect, test } from 'vitest';
import { compareShown, compareTold, type ShownCall } from '../../src/hub/dialogs/same-call.ts';

const shows = (input: string, tool = 'Bash', more: Partial<ShownCall> = {}): ShownCall => ({
  tool,
  input,
  whole: true,
  isRead: true,
  commands: ['Bash'],
  ...more,
});
const cut = (input: string): ShownCall => shows(input, 'Bash', { whole: false });
const LONG = `echo ${Array.from({ length: 60 }, (_, n) => `word${n}`).join(' ')}`;

/** Pairs of commands that look alike but are different. */
const ALIKE: [string, string][] = [
  ['touch main-file', 'touch main-file && touch pushed-by-force'],
  ['git push origin main', 'git push --force origin main'],
  ['rm a', 'rm b'],
  ['ls', 'ls /'],
  ['cd x', 'cd y'],
  ['echo a; b', 'echo a | b'],
  ['make A', 'make a'],
  ['rm -r build', 'rm -r build/..'],
  ['touch собака', 'touch корова'],
  ['echo 保存', 'echo 削除'],
  ['echo שלום', 'echo שלו'],
  ['rm файл', 'rm файлы'],
  ['echo é', 'echo e'],
  ['echo 👍', 'echo 👎'],
  ['kill 1', 'kill 12'],
  ['chmod 600 f', 'chmod 660 f'],
  [`${LONG} end`, `${LONG} and`],
  [LONG, `${LONG} && rm -rf /`],
  [`a && ${LONG}`, `b && ${LONG}`],
  ['./run.sh', './run.sh --force'],
  ['echo "a"', "echo 'a'"],
  ['rm -r /tmp/x', 'rm -r / tmp/x'],
  ['rm a*', 'rm a *'],
];

describe('two commands that are alike', () => {
  test.each(ALIKE)('%s / %s', (one, other) => {
    for (const [a, b] of [
      [one, other],
      [other, one],
    ] as const) {
      expect(compareTold(shows(a), { tool: 'Bash', input: b })).toBe('other');
      expect(compareShown(shows(a), { tool: 'Bash', input: b, whole: true })).toBe('other');
      expect(compareTold(shows(a), { tool: 'Bash', input: a })).toBe('same');
      expect(compareShown(shows(a), { tool: 'Bash', input: a, whole: true })).toBe('same');
    }
  });
});

test('a pane may wrap a command anywhere', () => {
  const wrapped = shows('touch /a/long/pa\nth && ec\nho   don\ne\n日\n本');
  const told = { tool: 'Bash', input: 'touch /a/long/path && echo\tdone 日本' };
  expect(compareTold(wrapped, told)).toBe('same');
  const seen = { tool: 'Bash', input: 'touch /a/long/path && echo done\n日本' };
  expect(compareShown(wrapped, seen)).toBe('same');
  expect(compareTold(shows('echo a b'), { tool: 'Bash', input: 'echo a\nb' })).toBe('same');
});

test('a dialog that says it is cut shows the beginning, or both ends, of its request', () => {
  const told = (input: string) => ({ tool: 'Bash', input });
  const codex = cut('echo one echo two [… 66 lines] ^a view all');
  expect(compareTold(codex, told('echo one\necho two\necho three'))).toBe('same');
  expect(compareTold(codex, told('echo one\necho too\necho three'))).toBe('other');
  expect(compareTold(codex, told('echo one\necho two'))).toBe('other');
  const gemini = cut('... first 12 lines hidden (Ctrl+O to show) ... echo last');
  expect(compareTold(gemini, told('echo first\necho last'))).toBe('same');
  expect(compareTold(gemini, told('echo first\necho lost'))).toBe('other');
  expect(compareTold(cut('echo one'), told('echo one && echo two'))).toBe('same');
  expect(compareTold(cut(''), told('echo one'))).toBe('other');
  // A whole one is never part of another.
  expect(compareTold(shows('echo one'), told('echo one && echo two'))).toBe('other');
  expect(compareTold(shows('echo one … 3 lines'), told('echo one 2 lines'))).toBe('other');
});

test('a dialog that was cut may be drawn further', () => {
  const whole = shows('echo one && echo two');
  expect(compareShown(whole, { tool: 'Bash', input: 'echo one', whole: false })).toBe('same');
  expect(compareShown(whole, { tool: 'Bash', input: 'echo one', whole: true })).toBe('other');
  expect(compareShown(whole, { tool: 'Bash', input: 'echo two', whole: false })).toBe('other');
});

test('a command is not a call of another tool', () => {
  expect(compareTold(shows('a.txt', 'Write'), { tool: 'Bash', input: 'a.txt' })).toBe('other');
  expect(compareTold(shows('a.txt'), { tool: 'Write', input: 'a.txt' })).toBe('other');
  expect(compareTold(shows('new.txt 1 hello', 'Edit'), { tool: 'Write', input: '{"a":1}' })).toBe('other');
});

test('fields are compared as the dialog writes them', () => {
  const told = (fields: object) => ({ tool: 'mcp__a__b', input: JSON.stringify(fields) });
  const codex = shows('n: 3 prompt: do it', 'mcp__a__b');
  expect(compareTold(codex, told({ prompt: 'do it', n: 3 }))).toBe('same');
  expect(compareTold(codex, told({ prompt: 'do it', n: 33 }))).toBe('other');
  expect(compareTold(codex, told({ prompt: 'do it now', n: 3 }))).toBe('other');
  const claude = shows('job_id: "demo" event: "progress"', 'a — B');
  expect(compareTold(claude, told({ job_id: 'demo', event: 'progress' }))).toBe('same');
  expect(compareTold(claude, told({ job_id: 'demo', event: 'completed' }))).toBe('other');
});

test('what cannot be compared is unknown, unless it names something else', () => {
  const write = (path: string) => ({
    tool: 'Write',
    input: JSON.stringify({ file_path: path, content: 'x' }),
  });
  const dialog = shows('new.txt 1 hello', 'Write');
  expect(compareTold(dialog, write('/p/new.txt'))).toBe('unknown');
  expect(compareTold(dialog, write('/p/old.txt'))).toBe('other');
  const patch = (file: string) => ({
    tool: 'apply_patch',
    input: `*** Begin Patch *** Add File: ${file} +x *** End Patch`,
  });
  const edit = shows('Destination: /opt/a.txt', 'apply_patch');
  expect(compareTold(edit, patch('/opt/a.txt'))).toBe('unknown');
  expect(compareTold(edit, patch('/opt/b.txt'))).toBe('other');
  expect(
    compareTold(shows('Writing to notes.txt', 'write_file'), { tool: 'write_file', input: '/p/notes.txt' }),
  ).toBe('unknown');
  expect(compareTold(shows('', 'Bash', { isRead: false }), { tool: 'Bash', input: 'ls' })).toBe('unknown');
});
