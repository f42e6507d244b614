import type { Socket } from 'node:net';
import { execa } from 'execa';
import { MamError } from '../errors.ts';

/** Our hidden session: never the user's, so that nothing of theirs changes when we come or go. */
export const HIDDEN_SESSION = '_mam';

/** Starts a control client on a running server; it never starts a server. Both its pipes and it are unref'd, but stdout. */
export function start(socketPath: string) {
  // -N: never start a server with the hub's environment. -E: never touch an environment. Facts: tmux.md, section 1.
  const session = [
    'new-session',
    '-A',
    '-E',
    '-s',
    HIDDEN_SESSION,
    '-f',
    'no-output,ignore-size',
    '-x',
    '20',
    '-y',
    '5',
  ];
  const child = execa('tmux', ['-u', '-S', socketPath, '-N', '-C', ...session, 'exec sleep 2147483647'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: false,
    // A group of its own: Ctrl-C in the hub's terminal is not for it.
    detached: true,
    cwd: '/',
    env: { TMUX: undefined, TMUX_PANE: undefined },
  });
  child.unref();
  for (const stream of [child.stdin, child.stderr]) (stream as unknown as Socket).unref?.();
  return child;
}

/** The error for a client that could not attach. @param why what tmux said, or `ENOENT` when there is no tmux */
export function refusal(socketPath: string, why: string): MamError {
  if (why === 'ENOENT') {
    const hint = 'Install it: apt-get install tmux (Debian, Ubuntu) or brew install tmux (macOS).';
    return new MamError('unavailable', 'The program tmux is not installed, or not on the PATH.', hint);
  }
  if (why === '' || /no server running|No such file|Connection refused|server exited|lost server/.test(why)) {
    const hint = `Start one: tmux -S ${socketPath} new-session -d -s NAME COMMAND.`;
    return new MamError('not_found', `No tmux server runs at ${socketPath}.`, hint);
  }
  return new MamError('unavailable', `The tmux server at ${socketPath} refused the connection: ${why}.`);
}
