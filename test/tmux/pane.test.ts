import { afterEach, describe, expect, test } from 'vitest';
import { listPanes, type PaneInfo, resolveAddress } from '../../src/tmux/pane.ts';
import { TmuxLab } from './lab.ts';

function pane(id: number, session: string, window = 0, index = 0, name = 'w'): PaneInfo {
  return {
    ...{ pane: `%${id}`, session, session_created: 1, window, window_name: name, pane_index: index },
    ...{ pane_pid: 100 + id, command: 'claude', dead: false, visible: true },
    ...{ window_activity: 1, window_panes: 1 },
  };
}

const PANES = [
  pane(0, 'claude'),
  pane(1, 'claude-2'),
  pane(2, 'my_app'),
  pane(3, 'team', 0, 0, 'left'),
  pane(4, 'team', 0, 1, 'left'),
  pane(5, 'team', 3, 0, 'v1.2'),
  pane(6, 'two words'),
];

describe('resolveAddress', () => {
  test.each([
    ['tmux:claude', '%0'],
    ['claude', '%0'],
    ['tmux:%4', '%4'],
    ['%4', '%4'],
    ['tmux:my.app', '%2'],
    ['my:app', '%2'],
    ['tmux:team:0.1', '%4'],
    ['tmux:team:left.0', '%3'],
    ['tmux:team:3', '%5'],
    ['team:3.0', '%5'],
    ['tmux:team:v1.2', '%5'],
    ['tmux:two words', '%6'],
  ])('%s is %s', (address, expected) => {
    expect(resolveAddress(PANES, address).pane).toBe(expected);
  });

  test.each([
    'tmux:clau',
    'tmux:claude-',
    'tmux:nope',
    'tmux:%99',
    'tmux:team:7.0',
    'tmux:team:0.9',
    'tmux:CLAUDE',
    'tmux:cl*',
  ])('%s is not found', (address) => {
    expect(() => resolveAddress(PANES, address)).toThrow(
      expect.objectContaining({ code: 'not_found', hint: expect.stringContaining('tmux:claude-2') }),
    );
  });

  test.each(['%4', 'tmux:%4'])('%s is refused where a session of other panes has that name', (address) => {
    const more = [...PANES, pane(7, '%4'), pane(8, '%9')];
    expect(() => resolveAddress(more, address)).toThrow(
      expect.objectContaining({ code: 'refused', message: expect.stringContaining('the panes tmux:%7') }),
    );
    // There is no pane %9: the name alone is no id either.
    expect(() => resolveAddress(more, '%9')).toThrow(expect.objectContaining({ code: 'refused' }));
    expect(resolveAddress([...PANES, pane(7, '%7')], '%7').pane).toBe('%7');
    expect(resolveAddress(more, '%3').pane).toBe('%3');
    expect(resolveAddress(more, '%4:0.0').pane).toBe('%7');
  });

  test('several panes are refused with the list', () => {
    expect(() => resolveAddress(PANES, 'tmux:team')).toThrow(
      expect.objectContaining({
        code: 'refused',
        hint: 'Name one: tmux:%3 (claude), tmux:%4 (claude), tmux:%5 (claude).',
      }),
    );
    expect(() => resolveAddress(PANES, 'tmux:team:0')).toThrow(expect.objectContaining({ code: 'refused' }));
  });

  test('a missing pane of a session that is there names its panes, and starts no second one', () => {
    const hint = expect.stringMatching(/ Session team has the panes tmux:%3, tmux:%4, tmux:%5\.$/);
    expect(() => resolveAddress(PANES, 'tmux:team:0.9')).toThrow(expect.objectContaining({ hint }));
  });

  test('a missing session says how to start it; an empty address is bad input', () => {
    expect(() => resolveAddress([], 'tmux:gemini')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("tmux new-session -d -s 'gemini'") }),
    );
    const hint = expect.stringContaining(`-s 'it'\\''s' COMMAND`);
    expect(() => resolveAddress([], "tmux:it's")).toThrow(expect.objectContaining({ hint }));
    expect(() => resolveAddress(PANES, ' tmux: ')).toThrow(expect.objectContaining({ code: 'bad_input' }));
  });
});

describe('listPanes', () => {
  let lab: TmuxLab | undefined;
  afterEach(() => lab?.end());

  test('tells what tmux knows, whatever the names', async () => {
    lab = new TmuxLab();
    await lab.startTmux();
    lab.sessions.add('a|b c_d').add('한국');
    await lab.tmux('new-session', '-d', '-s', 'a|b c.d', '-n', 'win dow', 'sleep 100000');
    await lab.tmux('split-window', '-d', '-t', '=a|b c_d:', 'sleep 100001');
    await lab.tmux('new-session', '-d', '-s', '한국', 'sleep 100000');
    const panes = await listPanes(lab.server);
    expect(panes.map((one) => one.session)).toEqual(['a|b c_d', 'a|b c_d', 'user', '한국']);
    expect(panes[0]).toMatchObject({
      window: 0,
      window_name: 'win dow',
      pane_index: 0,
      window_panes: 2,
      visible: true,
    });
    expect(panes[1]).toMatchObject({ pane_index: 1, visible: true, dead: false, command: 'sleep' });
    expect(Math.abs((panes[1]?.session_created ?? 0) - Date.now() / 1000)).toBeLessThan(30);
    expect(resolveAddress(panes, 'tmux:a|b c.d:0.1').pane).toBe(panes[1]?.pane);
    expect(resolveAddress(panes, 'tmux:한국').pane).toBe(panes[3]?.pane);
  });
});
