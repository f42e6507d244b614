import { expect, test } from 'vitest';
import { attachCommand } from '../../src/view/attach.ts';

const session = { session: 'codex', socket: '/tmp/tmux-0/work' };

test.each([
  ['from inside its server', { inside: session.socket }, "tmux switch-client -t '=codex'"],
  ['by the name of its server', { tmuxServerName: 'work' }, "tmux -L work attach -t '=codex'"],
  ['by its socket, if the server has no name', {}, "tmux -S /tmp/tmux-0/work attach -t '=codex'"],
  [
    'by its socket, if the name is that of another server',
    { tmuxServerName: 'other', tmuxSocket: '/tmp/tmux-0/other', inside: '/tmp/tmux-0/other' },
    "tmux -S /tmp/tmux-0/work attach -t '=codex'",
  ],
])('a session is attached %s', (_how, from, command) => {
  expect(attachCommand(session, { tmuxSocket: session.socket, ...from })).toBe(command);
});

test('a pane is attached by its id, which no renaming changes', () => {
  const from = { tmuxSocket: session.socket };
  expect(attachCommand({ ...session, pane: '%3' }, from)).toBe('tmux -S /tmp/tmux-0/work attach -t %3');
});
