import { describe, expect, test } from 'vitest';
import type { Shot } from '../../src/tmux/screen.ts';
import { promptOf, standing } from '../../src/tmux/standing.ts';

const TEXT = 'Job mend-it-abcd1234 is still open, report now.\nUse only this id: mend-it-abcd1234';

/** A screen with the cursor at the end of its last row, or `up` rows above that. */
function screen(rows: string, up = 0): Shot {
  const lines = rows.split('\n');
  const y = lines.length - 1 - up;
  const common = {
    dead: false,
    in_mode: false,
    pane_pid: 1,
    input_off: false,
    synchronized: false,
    width: 110,
  };
  return { ...common, lines, cursor_x: lines[y]?.length ?? 0, cursor_y: y, command: 'agent' };
}

const at = (rows: string, prompt = 'READY>', up = 0) => standing(screen(rows, up), { text: TEXT, prompt });

describe('a text of ours', () => {
  test('is alone after its prompt, however it is wrapped or framed', () => {
    expect(at(`old words\nREADY> ${TEXT}`)).toBe('alone');
    expect(at(`READY> ${TEXT.slice(0, 30)}\n  ${TEXT.slice(30)}`)).toBe('alone');
    expect(
      at(`╭────╮\n│ > ${TEXT.slice(0, 30)} │\n│ ${TEXT.slice(30).replace('\n', ' │\n│ ')} │`, '│ >'),
    ).toBe('alone');
    expect(at(`In [4]: ${TEXT}`, 'In [3]:')).toBe('alone');
    expect(at(`⠹ READY> ${TEXT}`, '⠋ READY>')).toBe('alone');
  });

  test('is a part if someone has changed it, or written next to it', () => {
    expect(at(`READY> ${TEXT} please`)).toBe('part');
    expect(at(`READY> please: ${TEXT}`)).toBe('part');
    expect(at(`READY> ${TEXT.replace('still ', '')}`)).toBe('part');
    expect(at(`READY> ${TEXT.slice(0, -9)}`)).toBe('part');
    expect(at(`READY> ${TEXT}\nand paint it`)).toBe('part');
    expect(at(`READY> ${TEXT}\n`)).toBe('part');
    expect(at(`READY> ${TEXT}\nand paint it`, '')).toBe('part');
    expect(at(`words right above\n${TEXT}`, '')).toBe('part');
    // The cursor was moved up.
    expect(at(`READY> ${TEXT}`, 'READY>', 1)).toBe('part');
  });

  test('is gone if it is only above the box, or nowhere', () => {
    expect(at(`READY> ${TEXT}\nTOOK IT\nREADY>`)).toBe('none');
    expect(at(`READY> ${TEXT}\nTOOK IT\nREADY> words of a person`)).toBe('none');
    expect(at(`In [3]: ${TEXT}\nIn [4]:`, 'In [3]:')).toBe('none');
    expect(at(`${TEXT}\n`, '')).toBe('none');
    expect(at('READY>')).toBe('none');
    // Codex names its session in the footer by the words of its first prompt.
    expect(at(`› Ask Codex to do anything\n\n  default · ${TEXT}`, '›', 3)).toBe('none');
  });

  test('is cut if its box or its pane is too small for it: the visible part is alone', () => {
    const end = TEXT.slice(12).replace('\n', '\n  ');
    expect(at(`${end}`)).toBe('alone');
    expect(at(`words\n─── ↑ 3 more ───\n  ${end}\n───`, 'READY>', 1)).toBe('alone');
    expect(at(`words\n${end}`)).toBe('part');
    expect(at(`READY> ${end}`)).toBe('part');
    expect(at(`${end} please`)).toBe('part');
    // Another text may be hidden there.
    const whole = { text: TEXT, prompt: 'READY>', mustBeWhole: true };
    expect(standing(screen(end), whole)).toBe('part');
    expect(standing(screen(`READY> ${TEXT}`), whole)).toBe('alone');
    expect(standing({ ...screen('READY>\n  mend-it-abc'), width: 16 }, whole)).toBe('part');
  });

  test('is cut in a box of one row that it fills', () => {
    const row = `READY> ${TEXT.replace('\n', ' ').slice(-60)}`;
    const single = (width: number) => standing({ ...screen(row), width }, { text: TEXT, prompt: 'READY>' });
    expect(single(row.length + 1)).toBe('alone');
    expect(single(110)).toBe('part');
  });

  test('is alone if its program numbers or marks each further row of its box', () => {
    const rows = (lead: (row: number) => string) =>
      TEXT.split('\n')
        .map((words, row) => (row === 0 ? words : lead(row) + words))
        .join('\n');
    expect(at(`In [3]: ${rows(() => '   ...: ')}`, 'In [3]:')).toBe('alone');
    expect(at(` 1 READY> ${rows((row) => ` ${row + 1}        `)}`, ' 1 READY>')).toBe('alone');
    expect(at(`READY> ${TEXT.replace('\n', '↵')} ▼`)).toBe('alone');
    // Someone's words, in one row of several.
    expect(at(`READY> ${rows(() => '... ')}\n> mine`)).toBe('part');
    expect(at(`READY> ${rows(() => '... no ')}`)).toBe('part');
  });

  test('may fill its row, with the cursor in the next one', () => {
    const row = `READY> ${TEXT.split('\n')[0]}`.padEnd(104, 'x');
    const full = (rows: string) => standing(screen(rows), { text: row.slice(7), prompt: 'READY>' });
    expect(full(`${row}\n`)).toBe('alone');
    expect(full(`${row}\n\n`)).toBe('part');
  });

  test('is recognised after a prompt of wide characters, next to a column, and below a row without a prompt', () => {
    const before = { ...screen('한국어> example'), cursor_x: 8 };
    expect(promptOf(before)).toBe('한국어>');
    expect(at(`한국어> ${TEXT}`, promptOf(before))).toBe('alone');
    const [first = '', second = ''] = TEXT.split('\n');
    const beside = screen(`┃  ${first}          Todo\n┃  ${second}            Files`);
    const pasted = { text: TEXT, prompt: '┃' };
    expect(standing({ ...beside, cursor_x: second.length + 3 }, pasted)).toBe('alone');
    expect(standing(beside, pasted)).toBe('part');
    const promptless = { text: TEXT, prompt: '', above: 'words right above' };
    expect(standing(screen(`words right above\n${TEXT}`), promptless)).toBe('alone');
    expect(standing(screen(`words right above\nmine: ${TEXT}`), promptless)).toBe('part');
  });

  test('may be replaced by its placeholder only if that was just seen', () => {
    const shot = screen('READY> [Pasted ~3 lines]');
    expect(standing(shot, { text: TEXT, prompt: 'READY>' })).toBe('folded');
    const placeholder = '[Pasted ~3 lines]';
    expect(standing(shot, { text: TEXT, prompt: 'READY>', placeholder })).toBe('alone');
  });
});
