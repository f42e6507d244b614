import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { textProblem } from '../../src/base/fields.ts';
import { clean, cleanAll, cleanLine, harmlessJson, sliceUnits } from '../../src/base/text.ts';
import { promptPreview, taskPage } from '../../src/job/task-text.ts';

const tags = (text: string): string =>
  Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('');

describe('a text of someone else', () => {
  test.each([
    ['colours', '\x1b[1;31mred\x1b[0m', 'red'],
    ['a window title', '\x1b]0;title\x07text', 'text'],
    ['a title that ends with ST', '\x1b]0;title\x1b\\text', 'text'],
    ['a title that never ends', 'text\x1b]0;title', 'text'],
    ['a cursor move', 'a\x1b[2J\x1b[Hb', 'ab'],
    ['the end of a paste', '\x1b[201~rm', 'rm'],
    ['a device control string', '\x1bPdcs\x1b\\x', 'x'],
    ['C1 controls', 'a\u009b31mb\u0085c', 'a31mbc'],
    ['bells, backspaces, returns', 'a\x07\x08\rb\x7f', 'ab'],
    ['bidirectional and zero-width characters', 'a\u202eb\u200bc\u2066d\ufeff', 'abcd'],
    ['tabs and lines', 'a\tb\nc', 'a\tb\nc'],
    ['words of the world', 'é 한국어 🙂', 'é 한국어 🙂'],
    ['an escape at the end', 'x\x1b', 'x'],
    ['a title that would hide the next line', 'a\x1b]0;b\nc', 'a\nc'],
    ['separators and annotations', 'a\u2028b\u2029c\ufff9d\ufffae\ufffb', 'abcde'],
    ['soft hyphens, fillers, invisible operators', 'a\u00adb\u180ec\u2062d\u3164e\uffa0f\u206ag', 'abcdefg'],
    ['directions', 'a\u061cb\u200ec\u200fd\u2067e\u2069', 'abcde'],
    ['a text in tags', `a${tags('rm -rf')}b`, 'ab'],
    ['a text in tags behind a flag', `🏴${tags('gbengx')}`, '🏴'],
    ['a text in variants', '🙂\u{e0131}\u{e0152}\ufe01\ufe0ex', '🙂x'],
    ['a run of variants', '❤\ufe0f\ufe0f\ufe0e\ufe0f!', '❤\ufe0f!'],
    ['a variant of what has one look', 'a\ufe0fb', 'ab'],
    ['a run of joiners', 'a\u200c\u200d\u200d\u034f\u200cb \u200dc', 'a\u200cb c'],
    ['joiners between invisible marks', 'a\u200d\u{e0101}\u200d\u{e0102}\u200d\u034fb', 'a\u200db'],
    ['a heap of marks', `a${'\u0301'.repeat(300)}b`, `a${'\u0301'.repeat(8)}b`],
    ['a heap of joined marks', `a${'\u0301\u200d'.repeat(300)}b`, `a${'\u0301\u200d'.repeat(8)}b`],
    ['marks of a beginning', '\ufeffa\ufeff b\ufeff\ufeffc\ufeff', 'a bc'],
    ['half a pair', 'a\ud83db', 'a\ufffdb'],
  ])('with %s is made harmless', (_, text, harmless) => {
    expect(clean(text)).toBe(harmless);
    expect(clean(clean(text))).toBe(harmless);
  });

  test.each([
    ['Persian', 'می\u200cخواهم'],
    ['words held together', 'سلام\ufeffدنیا a\ufeffb'],
    ['Hindi', 'क्\u200dष क्\u200cष हिन्दी'],
    ['Malayalam', 'അവന്\u200d'],
    ['Tamil', 'தமிழ் மொழி'],
    ['Thai', 'ที่นี่ น้ำ'],
    ['Vietnamese, taken apart', 'Việt ngữ'.normalize('NFD')],
    ['Hebrew with points and accents', 'בְּרֵאשִׁ֖ית'],
    ['Tibetan', 'ཧྐྵྨླྺྼྻྂ'],
    ['Mongolian', 'ᠪᠠ\u180b'],
    ['old Korean', 'ᄒ\u1160ᆫ \u115fᅡ'],
    ['German', 'Auf\u200clage'],
    ['a family', '👨\u200d👩\u200d👧\u200d👦'],
    ['tones and joiners', '👩🏽\u200d🚀 🧑🏿\u200d🤝\u200d🧑🏻'],
    ['variants', '❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3 👁\ufe0f\u200d🗨\ufe0f'],
    ['flags', `🇩🇪 🏴${tags('gbeng')}\u{e007f} 🏴${tags('gbsct')}\u{e007f} 🏴\u200d☠\ufe0f`],
  ])('in %s keeps its spelling', (_, text) => {
    expect(clean(text)).toBe(text);
  });

  test('is made harmless wherever it is in a value', () => {
    const value = { a: 'x\x1b[1m', list: [{ b: 'y\u202e' }, 1, null, true] };
    expect(cleanAll(value)).toEqual({ a: 'x', list: [{ b: 'y' }, 1, null, true] });
  });

  test('is the same in JSON, with nothing that a terminal obeys or hides', () => {
    const text = `\x1b[31m\x7f\u009b\u202e\u2028${tags('rm')}\u200d é 한 ${'\u0301'.repeat(40)}"`;
    const json = harmlessJson({ text });
    expect(JSON.parse(json)).toEqual({ text });
    expect(json).toMatch(/^(?:[ -~é한]|\u0301)*$/);
    expect(json.match(/\u0301/g)).toHaveLength(8);
  });

  test('on one line, cut between characters', () => {
    expect(cleanLine('  a\n\n\tb  ', 10)).toBe('a b');
    expect(cleanLine('abcdef', 4)).toBe('abc…');
    expect(cleanLine('abcd', 4)).toBe('abcd');
    expect(cleanLine('ab🙂d', 4)).toBe('ab…');
    expect(promptPreview(`x\x1b[31m${'y'.repeat(500)}`).length).toBe(200);
  });

  test('is never cut inside a pair', () => {
    expect(sliceUnits('a🙂b', 0, 2)).toBe('a');
    expect(sliceUnits('a🙂b', 0, 3)).toBe('a🙂');
    expect(textProblem('a🙂', {})).toBeUndefined();
    for (const half of ['a\ud83d', '\ude42b'])
      expect(textProblem(half, {})).toContain('half a UTF-16 surrogate');
  });
});

describe('the pages of a task', () => {
  const pagesOf = (text: string): string[] => {
    const pages: string[] = [];
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const { page, next }: { page: string; next: number | undefined } = taskPage(text, offset);
      pages.push(page);
      if (next !== undefined) expect(next).toBe(pages.join('').length);
      offset = next;
      expect(pages.length).toBeLessThan(1_000);
    }
    return pages;
  };

  test.each([
    ['nothing', '', 1],
    ['one page', 'x'.repeat(16_000), 1],
    ['one character more', 'x'.repeat(16_001), 2],
    ['three bytes a character', '한'.repeat(16_000), 2],
    ['pairs', '🙂'.repeat(20_000), 3],
    ['pairs off by one', `x${'🙂'.repeat(20_000)}`, 3],
    ['a mixture', 'ab한🙂\n'.repeat(9_000), 4],
  ])('of %s are whole when put together', (_, text, count) => {
    const pages = pagesOf(text);
    expect(pages.join('')).toBe(text);
    expect(pages).toHaveLength(count);
    for (const page of pages) {
      expect(page.length).toBeLessThanOrEqual(16_000);
      expect(Buffer.byteLength(page)).toBeLessThanOrEqual(32 * 1024);
      expect(page.isWellFormed()).toBe(true);
    }
  });

  test('from any offset: inside a pair it goes back, beyond the end it is empty', () => {
    expect(taskPage('a🙂b', 2)).toEqual({ page: '🙂b', next: undefined });
    expect(taskPage('abc', 3)).toEqual({ page: '', next: undefined });
    expect(taskPage('abc', 99)).toEqual({ page: '', next: undefined });
    expect(taskPage('abc', -5)).toEqual({ page: 'abc', next: undefined });
  });
});

test.each([
  ['the beginning of a text', (text: string) => sliceUnits(text, 0, 400)],
  ['the preview of a prompt', promptPreview],
] as const)('%s keeps none of the rest in memory', (_, cut) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: 50 }, (__, n) =>
    cut(String.fromCharCode(97 + (n % 26)).repeat(1_000_000)),
  );
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  expect(kept).toHaveLength(50);
  expect(grown).toBeLessThan(10_000_000);
});
