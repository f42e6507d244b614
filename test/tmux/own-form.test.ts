import { describe, expect, test } from 'vitest';
import { composeOrder } from '../../src/job/order.ts';
import { hasEmptyBox, hasLeft } from '../../src/tmux/has-left.ts';
import { ownFormAtCursor, ownFormOnScreen } from '../../src/tmux/own-form.ts';
import { readShot } from '../../src/tmux/screen.ts';

const ID = 'mend-it-abcd1234';
const ORDER = composeOrder({ job_id: ID }, { prompt: 'mend the roof', taskFile: '/x' });
/** As an earlier version wrote it. */
const EARLIER = `Job ${ID} was delegated to you by another agent: call the MCP tool publish_event (server mam)
Without that tool run: mam publish --job ${ID} --event started. Report completed or error when you end, with the same id.
Use only this id, none of an earlier run: ${ID}`;
const NOTE = `Job ${ID}, for you: take tin, note 1a2b3c4d`;
const LINE = `Job ${ID} is completed: run: mam status ${ID} (note 1a2b3c4d)`;

/** A screen with the cursor at the end of its last row, or `up` rows above that. */
function screen(rows: string, up = 0) {
  const lines = rows.split('\n');
  const y = lines.length - 1 - up;
  return { ...readShot(['', ...lines]), cursor_x: lines[y]?.length ?? 0, cursor_y: y };
}

const wrapped = (text: string) =>
  text
    .replace(/.{1,60}/g, '$&\n')
    .replace(/\n+/g, '\n')
    .trimEnd();

describe('a text of our form', () => {
  test.each([ORDER, EARLIER, NOTE, LINE])('is a draft at the cursor: %s', (text) => {
    for (const rows of [`READY> ${text}`, `old\nREADY> ${wrapped(text)}`, text, `${text} and paint it`])
      expect(ownFormAtCursor(screen(rows))).toBeDefined();
    // What was submitted is above, even if the box has no prompt.
    for (const rows of [`READY> ${text}\nTOOK IT\nREADY> `, `${text}\n`, `> ${text}\n\n  done\n\n> `])
      expect(ownFormAtCursor(screen(rows))).toBeUndefined();
  });

  test('is one with its end taken away, with the cursor in it, or as a placeholder', () => {
    expect(ownFormAtCursor(screen(`READY> ${ORDER.slice(0, -30)}`))).toBeDefined();
    expect(ownFormAtCursor(screen(`READY> ${ORDER}`, 2))).toBeDefined();
    expect(ownFormAtCursor(screen('READY> [Pasted text #1 +2 lines]'))).toBe('[Pasted text #1 +2 lines]');
    expect(ownFormAtCursor(screen('READY> words of a person about Job openings'))).toBeUndefined();
  });

  test('is one of which a small box shows but the end', () => {
    for (const text of [ORDER, EARLIER, NOTE, LINE]) {
      const rows = wrapped(text.slice(-90));
      expect(ownFormAtCursor(screen(rows))).toBeDefined();
      expect(ownFormAtCursor(screen(`${rows} and paint it`))).toBeDefined();
      expect(ownFormAtCursor(screen(`${rows}\n`))).toBeUndefined();
      expect(ownFormAtCursor(screen(`${rows}\nTOOK IT\nREADY> `))).toBeUndefined();
    }
  });

  test('counts anywhere if notes are lost, unless an empty box is below it', () => {
    expect(ownFormOnScreen(screen(`READY> ${ORDER}\n\n\n`))).toContain('was delegated');
    expect(ownFormOnScreen(screen(`READY> ${ORDER}\nTOOK IT\nREADY>`))).toBeUndefined();
    expect(ownFormOnScreen(screen('READY>'))).toBeUndefined();
  });
});

describe('a text has left its box', () => {
  const pasted = { text: ORDER, prompt: 'READY>' };
  test('when the box at the cursor is empty again, an empty one is below it, or nothing of it is left', () => {
    expect(hasLeft(screen(`READY> ${ORDER}\nTOOK IT\nREADY>`), pasted, { text: true, cursor: true })).toBe(
      true,
    );
    expect(hasLeft(screen(`READY> ${ORDER}\nTOOK IT\nREADY>\n\n~`), pasted, { text: true })).toBe(true);
    expect(hasLeft(screen('ask>'), pasted, { text: true })).toBe(true);
    // Another view of its program may hide it.
    expect(hasEmptyBox(screen('ask>'), pasted, { text: true })).toBe(false);
    expect(hasEmptyBox(screen('READY>'), pasted, { text: true, cursor: true })).toBe(true);
  });

  test('not because it is not at the cursor, or is shown as something else', () => {
    expect(hasLeft(screen(`READY> ${ORDER}\n\n\n`), pasted, { text: true })).toBe(false);
    expect(hasLeft(screen('READY> [Pasted text #1 +2 lines]'), pasted, { placeholder: 'x' })).toBe(false);
    expect(hasLeft(screen('READY> something came in'), pasted, {})).toBe(false);
    const other = { ...pasted, alternate: false };
    expect(hasLeft({ ...screen('a full-screen view'), alternate: true }, other, { text: true })).toBe(false);
  });
});
