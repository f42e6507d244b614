import { describe, expect, test } from 'vitest';
import type { Shot } from '../../src/tmux/screen.ts';
import { standing } from '../../src/tmux/standing.ts';

const TEXT = 'Job mend-it-abcd1234 is still open, report now.\nUse only this id: mend-it-abcd1234';

/** A screen with the cursor at the end of its last row, or `up` rows above that. */
function screen(rows: string, up = 0): Shot {
  const lines = rows.split('\n');
  const y = lines.length - 1 - up;
  const common = { dead: false, in_mode: false, pane_pid: 1, input_off: false, synchronized: false };
  return { ...common, lines, cursor_x: lines[y]?.length ?? 0, cursor_y: y, command: 'agent' };
}

const at = (rows: string, prompt = 'READY>', up = 0) => standing(screen(rows, up), { text: TEXT, prompt });

describe('a text of ours', () => {
  test('stands alone behind its prompt, however it is wrapped or framed', () => {
    expect(at(`old words\nREADY> ${TEXT}`)).toBe('alone');
    expect(at(`READY> ${TEXT.slice(0, 30)}\n  ${TEXT.slice(30)}`)).toBe('alone');
    expect(
      at(`╭────╮\n│ > ${TEXT.slice(0, 30)} │\n│ ${TEXT.slice(30).replace('\n', ' │\n│ ')} │`, '│ >'),
    ).toBe('alone');
    expect(at(`In [4]: ${TEXT}`, 'In [3]:')).toBe('alone');
  });

  test('is a part where somebody has changed it, or written beside it', () => {
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

  test('is gone where it stands above the box only, or nowhere', () => {
    expect(at(`READY> ${TEXT}\nTOOK IT\nREADY>`)).toBe('none');
    expect(at(`READY> ${TEXT}\nTOOK IT\nREADY> words of a person`)).toBe('none');
    expect(at(`In [3]: ${TEXT}\nIn [4]:`, 'In [3]:')).toBe('none');
    expect(at(`${TEXT}\n`, '')).toBe('none');
    expect(at('READY>')).toBe('none');
    // Codex names its session in the footer by the words of its first prompt.
    expect(at(`› Ask Codex to do anything\n\n  default · ${TEXT}`, '›', 3)).toBe('none');
  });

  test('stands in the place of its placeholder only where that was seen a moment ago', () => {
    const shot = screen('READY> [Pasted ~3 lines]');
    expect(standing(shot, { text: TEXT, prompt: 'READY>' })).toBe('folded');
    const placeholder = '[Pasted ~3 lines]';
    expect(standing(shot, { text: TEXT, prompt: 'READY>', placeholder })).toBe('alone');
  });
});
