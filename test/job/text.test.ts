import { describe, expect, test } from 'vitest';
import {
  clean,
  cleanLine,
  hasLoneSurrogate,
  promptPreview,
  sliceUnits,
  taskPage,
} from '../../src/job/text.ts';

describe('a text of somebody else', () => {
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
  ])('with %s is made harmless', (_, text, harmless) => {
    expect(clean(text)).toBe(harmless);
    expect(clean(clean(text))).toBe(harmless);
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
    expect(hasLoneSurrogate('a🙂')).toBe(false);
    expect(hasLoneSurrogate('a\ud83d')).toBe(true);
    expect(hasLoneSurrogate('\ude42b')).toBe(true);
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
      expect(hasLoneSurrogate(page)).toBe(false);
    }
  });

  test('from any offset: inside a pair it goes back, beyond the end it is empty', () => {
    expect(taskPage('a🙂b', 2)).toEqual({ page: '🙂b', next: undefined });
    expect(taskPage('abc', 3)).toEqual({ page: '', next: undefined });
    expect(taskPage('abc', 99)).toEqual({ page: '', next: undefined });
    expect(taskPage('abc', -5)).toEqual({ page: 'abc', next: undefined });
  });
});
