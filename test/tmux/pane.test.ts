import { afterEach, describe, expect, test } from 'vitest';
import { listPanes, resolveAddress } from '../../src/tmux/pane.ts';
import type { PaneInfo } from '../../src/tmux/pane-info.ts';
import { until } from '../support/until.ts';
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

function refuses(panes: PaneInfo[], address: string, error: object): void {
  expect(() => resolveAddress(panes, address)).toThrow(expect.objectContaining(error));
}

describe('resolveAddress', () => {
  test('an address with a host that no settings name says so', () => {
    refuses(PANES, 'tmux:codex@hostc', { hint: expect.stringContaining('If hostc is another machine') });
    refuses(PANES, 'tmux:codex', { hint: expect.not.stringContaining('another machine') });
  });

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

  const UNKNOWN = ['clau', 'claude-', 'nope', '%99', 'team:7.0', 'team:0.9', 'CLAUDE', 'cl*'];
  test.each(UNKNOWN.map((name) => `tmux:${name}`))('%s is not found', (address) => {
    refuses(PANES, address, { code: 'not_found', hint: expect.stringContaining('tmux:claude-2') });
  });

  test.each(['%4', 'tmux:%4'])('%s is refused where a session of other panes has that name', (address) => {
    const more = [...PANES, pane(7, '%4'), pane(8, '%9')];
    refuses(more, address, { code: 'refused', message: expect.stringContaining('the panes tmux:%7') });
    // There is no pane %9: the name alone is not an id either.
    refuses(more, '%9', { code: 'refused' });
    expect(resolveAddress([...PANES, pane(7, '%7')], '%7').pane).toBe('%7');
    expect(resolveAddress(more, '%3').pane).toBe('%3');
    expect(resolveAddress(more, '%4:0.0').pane).toBe('%7');
  });

  test('several panes are refused with the list', () => {
    const hint = 'Name one: tmux:%3 (claude), tmux:%4 (claude), tmux:%5 (claude).';
    refuses(PANES, 'tmux:team', { code: 'refused', hint });
    refuses(PANES, 'tmux:team:0', { code: 'refused' });
  });

  test('a missing pane of a session that is there names its panes, and starts no second one', () => {
    const hint = expect.stringMatching(/ Session team has the panes tmux:%3, tmux:%4, tmux:%5\.$/);
    refuses(PANES, 'tmux:team:0.9', { hint });
  });

  test('a missing session says how to start it; an empty address is bad input', () => {
    refuses([], 'tmux:gemini', { hint: expect.stringContaining("tmux new-session -d -s 'gemini'") });
    refuses([], "tmux:it's", { hint: expect.stringContaining(`-s 'it'\\''s' COMMAND`) });
    refuses(PANES, ' tmux: ', { code: 'bad_input' });
  });
});

describe('listPanes', () => {
  let lab: TmuxLab | undefined;
  afterEach(() => lab?.end());

  test('reports what tmux knows, whatever the names', async () => {
    lab = new TmuxLab();
    await lab.startTmux();
    lab.sessions.add('a|b c_d').add('한국');
    await lab.tmux('new-session', '-d', '-s', 'a|b c.d', '-n', 'win dow', 'sleep 100000');
    await lab.tmux('split-window', '-d', '-t', '=a|b c_d:', 'sleep 100001');
    await lab.tmux('new-session', '-d', '-s', '한국', 'sleep 100000');
    const { server } = lab;
    // tmux runs each by a shell, which becomes it.
    const panes = await until('the programs run', async () => {
      const all = await listPanes(server);
      return all[1]?.command === 'sleep' && all;
    });
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
