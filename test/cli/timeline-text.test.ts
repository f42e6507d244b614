import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { columnsOf, cut, graphemes, wrap } from '../../src/base/columns.ts';
import { bytesText } from '../../src/base/text.ts';
import { inOneLook } from '../../src/cli/core/table.ts';
import { cutoffOf } from '../../src/cli/jobs/prune-cutoff.ts';
import { TimelineText } from '../../src/cli/jobs/timeline-text.ts';
import type { TimelineEntry } from '../../src/view/shapes.ts';
import { fineSpanText } from '../../src/view/times.ts';
import { Story } from '../job/story.ts';

const { record } = new Story();
const ENTRY: TimelineEntry = {
  ...{ seq: 2, type: 'progress', source: 'peer', by: 'peer command' },
  recorded_at: '2026-11-22T10:00:00.000Z',
};
const lines = (more: Partial<TimelineEntry>, width = 100): string[] =>
  new TimelineText(record, width)
    .entry({ ...ENTRY, ...more })
    .split('\n')
    .slice(2);

describe('an entry of the timeline', () => {
  test('keeps within the width, its words in one column', () => {
    const words = 'slate tile 지붕을 고치는 중입니다 '.repeat(20);
    const shown = lines({ detail: words });
    expect(shown.length).toBeGreaterThan(5);
    for (const line of shown) expect(columnsOf(line)).toBeLessThanOrEqual(100);
    const column = shown[0]?.indexOf('slate') ?? 0;
    for (const line of shown.slice(1)) expect(line.slice(0, column).trim()).toBe('');
    expect(shown.map((line) => line.slice(column)).join(' ')).toBe(words.trim());
  });

  test.each([
    ['屋根', 4],
    ['𠮷𡈽', 4],
    ['한', 2],
    ['\u1112\u1161\u11ab', 2],
    ['e\u0301', 1],
    ['📦', 2],
    ['தமிழ் மொழி', 9],
    ['ภาษาไทย', 7],
    ['می\u200cخواهم', 7],
    ['മലയാളം', 6],
    ['Việt'.normalize('NFD'), 4],
    ['👨\u200d👩\u200d👧\u200d👦', 2],
    ['🏳\ufe0f\u200d🌈', 2],
    ['🇩🇪', 2],
    ['🇩🇪🇫🇷', 4],
    ['⌚ ✓ … →', 8],
    ['한국어 日本語 ｱｲｳ', 17],
  ])('counts the columns of a terminal as string-width does: %s', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
    expect(stringWidth(text)).toBe(columns);
  });

  // The library counts a letter with its marks as one; tmux, xterm and others give a mark next to it a column.
  test.each([
    ['हिन्दी', 5],
    ['क्षत्रिय', 6],
    ['น้ำ', 2],
  ])('counts a mark that is shown next to its letter: %s', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
    expect(stringWidth(text)).toBeLessThanOrEqual(columns);
  });

  test('counts every character as string-width does, except those that terminals disagree on', () => {
    const differs: string[] = [];
    for (let code = 0x20; code < 0x40000; code++) {
      const text = String.fromCodePoint(code);
      // Halves of pairs, marks and parts of syllables do not occur alone; newer wide symbols are narrow in older
      // terminals.
      if (/\p{C}|\p{M}|\p{RI}|\p{So}|\p{No}|[\u1160-\u11ff]/u.test(text)) continue;
      if (columnsOf(text) !== stringWidth(text)) differs.push(`${code.toString(16)} ${text}`);
    }
    expect(differs).toEqual([]);
  });

  test('in its default form is as wide for string-width as for a terminal', () => {
    for (const text of ['❤\ufe0f', '☎\ufe0e', '👍🏽', '👩🏽\u200d🚀', '⚠\ufe0f!', 'e\u0301'])
      expect(columnsOf(inOneLook(text)), text).toBe(stringWidth(inOneLook(text)));
    expect(inOneLook('👨\u200d👩\u200d👧 é')).toBe('👨\u200d👩\u200d👧 é');
  });

  test('is never cut inside what a person sees as one character', () => {
    for (const text of ['👨\u200d👩\u200d👧\u200d👦', '🇩🇪', 'हि', 'e\u0301', '👍🏽']) {
      for (let width = 2; width < 12; width++) {
        const kept = cut(text.repeat(9), width).replace(/…$/, '');
        expect(kept.replaceAll(text, ''), `${text} in ${width}`).toBe('');
        expect(columnsOf(kept)).toBeLessThanOrEqual(width);
      }
      for (const piece of wrap(text.repeat(40), 20)) expect(piece.replaceAll(text, '')).toBe('');
    }
  });

  test('stays whole for a pipe', () => {
    const words = 'word '.repeat(300).trim();
    expect(lines({ detail: words }, Number.POSITIVE_INFINITY)).toHaveLength(1);
  });

  test('says that it came late, how long it took, and what was decided', () => {
    expect(lines({ late: true, detail: 'sorry' })[0]).toContain('(late) sorry');
    expect(lines({ type: 'visible', stage_ms: 57, evidence: 'seen' })[0]).toMatch(
      /visible +\+57 ms {2}seen$/,
    );
    const decision = { decision: 'allow', about: 'Bash: ls', evidence: 'key 1' };
    const decided = lines({ type: 'permission_resolved', ...decision });
    expect(decided.map((line) => line.trim()).slice(1)).toEqual(['allow: Bash: ls', 'key 1']);
    const failed = lines({ type: 'validated', passed: false, exit_code: 7, round: 2, output_tail: 'a\nb\n' });
    expect(failed[0]).toContain('FAIL (exit 7), run 2');
    expect(failed.slice(1).map((line) => line.trim())).toEqual(['output: │ a', '│ b']);
  });

  test('has the day above it if it has changed', () => {
    const text = new TimelineText(record, 100);
    const day = (at: string) =>
      /^\n\w+day, \d{4}-\d\d-\d\d\n/.test(text.entry({ ...ENTRY, recorded_at: at }));
    expect(day('2026-11-22T12:00:00.000Z')).toBe(true);
    expect(day('2026-11-22T12:01:00.000Z')).toBe(false);
    expect(day('2026-11-24T12:00:00.000Z')).toBe(true);
  });
});

test('lines are broken at blanks, wide characters count twice, indentation stays', () => {
  expect(wrap('one two three four five six', 20)).toEqual(['one two three four', 'five six']);
  expect(wrap('가'.repeat(15), 20)).toEqual(['가'.repeat(10), '가'.repeat(5)]);
  expect(wrap('  indented\n\n\tnext', 20)).toEqual(['  indented', '', '  next']);
  expect(wrap('x'.repeat(45), 20)).toEqual(['x'.repeat(20), 'x'.repeat(20), 'x'.repeat(5)]);
});

describe('the age of mam prune', () => {
  const now = Date.parse('2026-11-22T12:00:00.000Z');

  test.each([
    ['36h', '2026-11-21T00:00:00.000Z'],
    ['30d', '2026-10-23T12:00:00.000Z'],
    ['2w', '2026-11-08T12:00:00.000Z'],
    ['0.5d', '2026-11-22T00:00:00.000Z'],
    ['0h', '2026-11-22T12:00:00.000Z'],
    ['2026-11-01T08:00:00Z', '2026-11-01T08:00:00.000Z'],
  ])('%s', (age, before) => expect(cutoffOf(age, now)).toBe(before));

  test('a day begins at midnight here', () => {
    expect(cutoffOf('2026-11-01', now)).toBe(new Date(2026, 10, 1).toISOString());
  });

  test.each([
    '',
    '30',
    'd',
    '-1d',
    '30 days',
    '1y',
    '1e3d',
    '2026-02-31',
    '2026-13-01',
    '2999-01-01',
    '20261101',
  ])('%j is not an age', (age) =>
    expect(() => cutoffOf(age, now)).toThrow(/is neither an age nor a date|is in the future/),
  );
});

test('sizes and spans are short', () => {
  expect([0, 1023, 12_595, 5 * 1024 ** 3].map(bytesText)).toEqual(['0 B', '1023 B', '12.3 KB', '5.0 GB']);
  const spans = ['0 ms', '57 ms', '999 ms', '3.4 s', '1m 1s'];
  expect([-3, 57, 999, 3_449, 61_000].map(fineSpanText)).toEqual(spans);
});

test('a text of a million characters is split in no noticeable time, each character whole', () => {
  const family = '👨‍👩‍👧';
  for (const one of ['漢', '🇩🇪', family, 'e\u0301', '👍🏽']) {
    // One letter more or less before them: they begin everywhere in a part.
    for (const lead of ['é', 'éé', 'ééé']) {
      const all = graphemes(lead + one.repeat(1_000));
      expect(all.slice(lead.length)).toEqual(Array(1_000).fill(one));
    }
  }
  expect(wrap('漢'.repeat(500_000), 80)).toHaveLength(12_500);
  expect(wrap('🇩🇪'.repeat(250_000), 80)).toHaveLength(6_250);
});
