import { afterEach, describe, expect, test } from 'vitest';
import { locate, OwnText, shows, withoutOwn } from '../../src/tmux/own-text.ts';
import { captureBright, classify, find, shoot } from '../../src/tmux/screen.ts';
import { until } from '../support/until.ts';
import { TmuxLab } from './lab.ts';

const PATTERNS = { ready: /^READY> ?$/m, busy: /esc to interrupt/, dialog: /Do you want to proceed\?/g };

describe('what a screen says', () => {
  test.each([
    [['READY>'], 'ready'],
    [['READY> words'], 'unknown'],
    [['READY>', 'esc to interrupt'], 'busy'],
    [['READY>', 'esc to interrupt', 'Do you want to proceed?'], 'dialog'],
    [[], 'unknown'],
  ])('%j is %s', (lines, state) => {
    expect(classify(lines, PATTERNS)).toBe(state);
    expect(classify(lines, PATTERNS)).toBe(state);
  });

  test('the line found is the one that matches', () => {
    expect(find(['one', '  Do you want to proceed?  (y)', 'three'], PATTERNS.dialog)).toBe(
      'Do you want to proceed?  (y)',
    );
    expect(find(['one'], undefined)).toBeUndefined();
  });
});

describe('our own text', () => {
  const id = 'fix-the-tests-abcd1234';
  const boxed = ['╭────╮', '│ > Job fix-the-te │', '│   sts-abcd1234 was │', '╰────╯', ''];

  test('is seen however it is wrapped and framed', () => {
    expect(shows(boxed, id)).toBe(true);
    expect(shows(['> Job fix-the-te', '  sts-abcd1234'], id)).toBe(true);
    expect(shows(['| a fix-the-te |', '| sts-abcd1234 |'], id)).toBe(true);
    expect(shows(['fix-the-tests-abcd1235'], id)).toBe(false);
    expect(shows(boxed, '')).toBe(false);
    expect(locate(boxed, id)).toEqual({ count: 1, first: 1, last: 2 });
  });

  test('counts only when it is new', () => {
    const text = `Job ${id} was delegated to you`;
    const own = new OwnText(['READY>'], text, id);
    expect(own.sight(['READY>'])).toBeUndefined();
    expect(own.sight([`READY> ${text}`])?.evidence).toBe(`the text with ${id} is on the screen`);
    expect(own.sight([`READY> Job ${id}`])?.mark).toBe(id);
    expect(own.sight(['READY> [Pasted text #1 +1 lines]'])?.mark).toBe('[Pasted text #1 +1 lines]');
    expect(own.sight(['READY> [Pasted text #1 +9 lines]'])?.mark).toBeUndefined();
    expect(own.sight(['READY> x'])).toMatchObject({ mark: undefined });
    expect(
      new OwnText([`READY> ${text}`], text, id).sight([`READY> ${text}`, 'clock'])?.mark,
    ).toBeUndefined();
  });

  test('is not taken for a dialog', () => {
    const text = 'Ask: Do you want to proceed? and stop';
    expect(withoutOwn(['> Ask: Do you want to pro', '  ceed? and stop', 'clock 12:00:01'], text)).toEqual([
      'clock 12:00:01',
    ]);
    expect(withoutOwn(['Do you want to proceed? (y)'], text)).toHaveLength(1);
  });
});

describe('a look at a real pane', () => {
  let lab: TmuxLab | undefined;
  afterEach(() => lab?.end());

  test('a missing pane is nothing; dim and reverse text is not a draft', async () => {
    lab = new TmuxLab();
    await lab.startTmux(
      `printf 'A \\033[2mdim\\033[0m B \\033[38;5;2mgreen\\033[0m \\033[7mX\\033[27m\\033[2mrest\\033[0m'; exec sleep 100000`,
    );
    const { pane } = await lab.pane('user');
    expect(await shoot(lab.server, '%99')).toBeUndefined();
    const { server } = lab;
    await until(
      'the screen shows what was printed',
      async () => (await shoot(server, pane))?.lines[0] === 'A dim B green Xrest',
    );
    expect((await captureBright(lab.server, pane))[0]).toBe('A  B green');
  });
});
