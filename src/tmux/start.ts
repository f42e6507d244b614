import type { Socket } from 'node:net';
import { execa } from 'execa';
import { MamError } from '../errors.ts';

/**
 * Our hidden session: never the user's, so that nothing of theirs changes when we come or go. One a process, so that
 * no hub takes another's away.
 */
export const HIDDEN_SESSION = `_mam-${process.pid}`;
/** Matches the hidden session of any hub, for tmux's `m/r:` as well. */
const HIDDEN_PATTERN = '^_mam-[0-9]+$';

/** A tmux format that is true in a hidden session. */
export const IS_HIDDEN_FORMAT = `#{m/r:${HIDDEN_PATTERN},#{session_name}}`;

/** True for the name of a hidden session: no listing for people may show it. */
export function isHidden(session: string): boolean {
  return new RegExp(HIDDEN_PATTERN).test(session);
}

/**
 * What makes the hidden session invisible and its end safe. tmux's own `destroy-unattached` must not do it: while a
 * client leaves, any other client's exit then crashes the server (tmux/tmux#5497; seen 64 times in 300 with 3.3a).
 */
export const SETUP = [
  `set-option -t =${HIDDEN_SESSION}: destroy-unattached off`,
  // Else the end of the session would put our client into one of the user's.
  `set-option -t =${HIDDEN_SESSION}: detach-on-destroy on`,
  `set-option -t =${HIDDEN_SESSION}: status off`,
  `set-option -w -t =${HIDDEN_SESSION}: remain-on-exit off`,
];

/** Leaves: the session goes with its last client, in the one way that tmux survives. */
export const LEAVE = `if-shell -F -t =${HIDDEN_SESSION}: '#{==:#{session_attached},1}' 'kill-session -t =${HIDDEN_SESSION}' 'detach-client'`;

/** Runs in the hidden session and ends it within seconds of our own end, however we ended. */
const WATCH = `while sleep 5 && kill -0 ${process.pid} 2>/dev/null; do :; done`;

/** Starts a control client on a running server; it never starts a server. Both its pipes and it are unref'd, but stdout. */
export function start(socketPath: string) {
  // -N: never start a server with the hub's environment. -E: never touch an environment.
  const session = ['new-session', '-A', '-E', '-s', HIDDEN_SESSION, '-f', 'no-output,ignore-size'];
  const child = execa(
    'tmux',
    ['-u', '-S', socketPath, '-N', '-C', ...session, ...['-x', '20', '-y', '5'], 'sh', '-c', WATCH],
    {
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
    },
  );
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
