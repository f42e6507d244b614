import type { Socket } from 'node:net';
import { execa } from 'execa';
import { MamError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { HIDDEN_OPTION } from './marks.ts';
import { clientPath } from './program.ts';

/** A tmux format that is `1` where a session has one pane only: of a hidden session it is ours. */
const IS_ALONE = '#{&&:#{==:#{session_windows},1},#{==:#{window_panes},1}}';

let connections = 0;

/**
 * A name for a hidden session: never the user's, so that nothing of theirs changes when we come or go. One a process
 * and connection: no hub takes another's away, and none takes for its own what a user has put into an older one.
 */
export function hiddenName(): string {
  connections++;
  return `_mam-${process.pid}${connections === 1 ? '' : `-${connections}`}`;
}

/**
 * What makes the hidden session invisible and its end safe. tmux's own `destroy-unattached` must not do it: while a
 * client leaves, any other client's exit then crashes the server (tmux/tmux#5497; seen 64 times in 300 with 3.3a).
 */
export function setup(session: string): string[] {
  return [
    `set-option -t =${session}: destroy-unattached off`,
    // Else the end of the session would put our client into one of the user's.
    `set-option -t =${session}: detach-on-destroy on`,
    `set-option -t =${session}: status off`,
    `set-option -w -t =${session}: remain-on-exit off`,
    `set-option -p -t =${session}: ${HIDDEN_OPTION} 1`,
  ];
}

/**
 * Leaves in the one way that tmux survives: the session goes with its last client. Where a user's window has come into
 * it, only our own pane goes, and the session stays.
 * @param pane our own pane in it
 */
export function leave(session: string, pane: string): string {
  const last = `#{&&:#{==:#{session_attached},1},${IS_ALONE}}`;
  const rest = `if-shell -F -t ${pane} '${IS_ALONE}' '' 'kill-pane -t ${pane}' ; detach-client`;
  return `if-shell -F -t ${pane} '${last}' 'kill-session -t =${session}' ${JSON.stringify(rest)}`;
}

/** Takes away the hidden session of a client that was killed. One that a user's window has come into stays. */
export function desert(session: string): string {
  return `if-shell -F -t =${session}: '${IS_ALONE}' 'kill-session -t =${session}'`;
}

/** Runs in the hidden session and ends it within seconds of our own end, however we ended. */
const WATCH = `while sleep 5 && kill -0 ${process.pid} 2>/dev/null; do :; done`;

/** Starts a control client on a running server; it never starts a server. Both its pipes and it are unref'd, but stdout. */
export function start(program: string, socketPath: string, name: string) {
  // -N: never start a server with the hub's environment. -E: never touch an environment.
  const session = ['new-session', '-E', '-s', name, '-f', 'no-output,ignore-size'];
  const child = execa(
    program,
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
      env: { TMUX: undefined, TMUX_PANE: undefined, PATH: clientPath() },
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
    const hint = `Start one: tmux -S ${shellWord(socketPath)} new-session -d -s NAME COMMAND.`;
    return new MamError('not_found', `No tmux server runs at ${socketPath}.`, hint);
  }
  return new MamError('unavailable', `The tmux server at ${socketPath} refused the connection: ${why}.`);
}
