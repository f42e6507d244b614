import { describe, expect, test } from 'vitest';
import { composeOrder } from '../../src/job/order.ts';

const ID = 'mend-the-roof-abcd1234';
const FILE = '/home/user/project/.mam/jobs/mend-the-roof-abcd1234/prompt.md';
const PROMPTS: [string, string][] = [
  ['short', 'Mend the roof'],
  ['with a tab', 'Mend\tthe roof'],
  ['of two lines', 'Mend\nthe roof'],
  ['that begins with !', '!rm -rf /'],
  ['that begins with /', '/exit now'],
  ['with controls', 'a\x1b[201~b\x00\x07'],
  ['with spaces around', ' Mend the roof '],
  ['with invisible characters', 'Mend\u200bthe\u202eroof'],
  ['in Korean with emoji', '지붕을 고쳐 주세요 👩‍👩‍👧'],
  ['of 1 MiB', 'x'.repeat(1024 * 1024)],
  ...Array.from({ length: 40 }, (_, i): [string, string] => [
    `of ${i * 20} characters`,
    'word '.repeat(i * 4).trim() || 'x',
  ]),
];

const order = (prompt: string | undefined, mam = 'mam', taskFile = FILE): string =>
  composeOrder({ job_id: ID, typing: { mam } }, { prompt, taskFile });

describe('the order that is typed', () => {
  test.each(PROMPTS)('for a task %s fits and is harmless', (_, prompt) => {
    for (const mam of ['mam', 'node /a/very/long/path/to/the/program/multi-agent-mux/dist/main.js']) {
      for (const file of [FILE, `/deep${'/folder'.repeat(100)}/prompt.md`]) {
        const order = composeOrder({ job_id: ID, typing: { mam } }, { prompt, taskFile: file });
        expect(order.length).toBeLessThanOrEqual(700);
        expect(order.split('\n').length).toBeLessThanOrEqual(3);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
        expect(order).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
        for (const line of order.split('\n')) expect(line).toMatch(/^[A-Z]/);
        expect(order).toMatch(new RegExp(`^Job ${ID} was delegated to you: `));
        expect(order).toContain(`job_id "${ID}" and event "started"`);
        expect(order).toContain(`${mam} publish --job ${ID} --event started`);
        expect(order.endsWith(`Use only this id, not one from an earlier job: ${ID}`)).toBe(true);
      }
    }
  });

  test('contains a short task whole, and names the file of any other', () => {
    expect(order('Mend the roof')).toContain('The task: Mend the roof');
    for (const prompt of ['Mend\tthe roof', 'two\nlines', ' around ', 'x'.repeat(600), 'a\x07b']) {
      const typed = order(prompt);
      expect(typed).not.toContain('The task:');
      expect(typed).toContain(`read ${FILE}`);
      expect(typed).toContain('When you are done, report completed or error');
    }
  });
});

test.each([
  ['/my work/jobs/prompt.md', "'/my work/jobs/prompt.md'"],
  ["/it's/prompt.md", `'/it'\\''s/prompt.md'`],
  ['/a;b/$c/prompt.md', "'/a;b/$c/prompt.md'"],
])('a file whose path a shell would take apart is one word of the order: %s', (file, word) => {
  expect(order('two\nlines', 'mam', file)).toContain(`and read ${word}. When`);
});

test('a file whose path has two lines is not named', () => {
  expect(order('two\nlines', 'mam', '/of two\nlines/prompt.md').split('\n')).toHaveLength(3);
});

describe('the order for a pane that is not known to be an agent', () => {
  const ODD = [
    "it's",
    '$(touch x)',
    '`touch x`',
    'a;b',
    'a|b',
    'a&b',
    'a>b',
    '{a,b}',
    'a*',
    '!!',
    'a"b',
    'a#b',
    '~',
  ];

  test.each(['plain', ...ODD])('has no character that a shell acts on, in a folder %s', (folder) => {
    for (const mam of ['mam', `node /${folder}/dist/main.js`]) {
      const typed = order(undefined, mam, `/home/${folder}/.mam/jobs/${ID}/prompt.md`);
      expect(typed).toMatch(/^[A-Za-z0-9 _./:,\n-]+$/);
      expect(typed.length).toBeLessThanOrEqual(700);
      expect(typed.split('\n')).toHaveLength(3);
      for (const line of typed.split('\n')) expect(line).toMatch(/^(?:Job|Without|Use) /);
      expect(typed).toContain(`job_id ${ID} and event started`);
      expect(typed).toContain(`publish --job ${ID} --event started`);
      expect(typed.endsWith(`Use only this id, not one from an earlier job: ${ID}`)).toBe(true);
    }
  });

  test('names neither if a blank would split it', () => {
    const typed = order(undefined, "node '/my work/dist/main.js'", '/my work/prompt.md');
    expect(typed).toContain('run: mam publish');
    expect(typed).not.toContain('my work');
  });

  test('names the program and the file if both are plain', () => {
    const mam = 'node /opt/multi-agent-mux/dist/main.js';
    expect(order(undefined, mam)).toContain(`run: ${mam} publish`);
    expect(order(undefined, mam)).toContain(`and read ${FILE}.`);
  });
});
