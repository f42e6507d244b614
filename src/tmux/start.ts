import type { Socket } from 'node:net';
import { execa } from 'execa';
import { MamError } from '../base/errors.ts';
import { pidNamespace } from '../base/process-id.ts';
import { shellWord } from '../base/shell.ts';
import { firstLine } from './first-line.ts';
import { HIDDEN_NAME, HIDDEN_OPTION } from './marks.ts';
import { clientPath } from './program.ts';
import { outOfReach, serverOn } from './server-life.ts';

let connections = 0;

/**
 * A name for a hidden session: never the user's, so that nothing of theirs changes when we come or go. It is unique to the
 * process and connection, so that no hub removes another's session, or adopts what a user has put into an older one.
 */
export function hiddenName(): string {
  connections++;
  return `${HIDDEN_NAME}${process.pid}${connections === 1 ? '' : `-${connections}`}`;
}

/** A hidden session of ours and its server, by ids: names, and what is active, may change. */
export interface Hidden {
  pane: string;
  session: string;
  /** The process ids of the server and of the pane, in the server's pid namespace. */
  server: number;
  panePid: number;
}

/**
 * The commands that make the hidden session invisible and its end safe. tmux's own `destroy-unattached` must not end it: if
 * another client exits while a client leaves, the server crashes (tmux/tmux#5497; seen 64 times in 300 with 3.3a).
 */
export function setup({ session, pane }: Hidden): string[] {
  return [
    `set-option -t ${session} destroy-unattached off`,
    // Otherwise the end of the session would move our client to one of the user's.
    `set-option -t ${session} detach-on-destroy on`,
    `set-option -t ${session} status off`,
    `set-option -w -t ${pane} remain-on-exit off`,
    `set-option -p -t ${pane} ${HIDDEN_OPTION} 1`,
  ];
}

/** True if a hidden session has only our own pane. */
const ALONE_FORMAT = '#{&&:#{==:#{session_windows},1},#{==:#{window_panes},1}}';

/**
 * The command that leaves in the only way that tmux survives: the session ends with its last client. If a user's window has
 * come into it, only our own pane ends.
 */
export function leave(hidden: Hidden): string {
  const rest = `if-shell -F -t ${hidden.pane} '${ALONE_FORMAT}' '' 'kill-pane -t ${hidden.pane}' ; detach-client`;
  return `${asLast(hidden)} ${JSON.stringify(rest)}`;
}

/** The command that leaves only as the session's last client; otherwise it does nothing, and answers `STAYS`. */
export function leaveAsLast(hidden: Hidden): string {
  return `${asLast(hidden)} 'display-message -p ${STAYS}'`;
}

export const STAYS = 'stays';

function asLast({ session, pane }: Hidden): string {
  const last = `#{&&:#{==:#{session_attached},1},${ALONE_FORMAT}}`;
  return `if-shell -F -t ${pane} '${last}' 'kill-session -t ${session}'`;
}

/** Removes what an ended client should have removed, by a separate client. */
export function discard(program: string, socketPath: string, hidden: Hidden): void {
  const { pane, session } = hidden;
  const words = [
    'if-shell',
    '-F',
    '-t',
    pane,
    ALONE_FORMAT,
    `kill-session -t ${session}`,
    `kill-pane -t ${pane}`,
  ];
  const silent = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;
  execa(program, ['-u', '-S', socketPath, '-N', ...words], { ...byItself(), ...silent }).unref();
}

/**
 * The script that runs in the hidden session and ends it within seconds of our own end, however we ended. In another pid
 * namespace our process id means nothing: there it asks tmux whether our client is still attached.
 */
function watch(name: string): string {
  const here = `kill -0 ${process.pid} 2>/dev/null`;
  const ns = pidNamespace();
  const isSame = ns === undefined ? 'true' : `test "$(readlink /proc/$$/ns/pid)" = '${ns}'`;
  const attached = `test -n "$(tmux list-clients -t '=${name}')"`;
  return `${isSame} && me=1; while sleep 5 && if test -n "$me"; then ${here}; else ${attached}; fi; do :; done`;
}

/** How to run tmux: detached, so that Ctrl-C in the hub's terminal doesn't reach it, and outside the user's tmux. */
function byItself() {
  return {
    ...({ stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', buffer: false } as const),
    ...({ reject: false, cleanup: false, detached: true, cwd: '/' } as const),
    env: { TMUX: undefined, TMUX_PANE: undefined, PATH: clientPath() },
  };
}

/**
 * Creates the hidden session on a running server; it never starts a server. A separate client does it: a hook of the user
 * on new sessions, such as a popup, may keep the client that created one waiting forever.
 * @throws MamError as `refusal`
 */
export async function makeHidden(program: string, socketPath: string, name: string): Promise<Hidden> {
  // -N: never start a server with the hub's environment. -E: never touch an environment.
  const format = '#{pane_id} #{session_id} #{pid} #{pane_pid}';
  const make = ['new-session', '-d', '-E', '-P', '-F', format, '-s', name, '-x', '20', '-y', '5'];
  const stay = [';', 'set-option', '-t', `=${name}:`, 'destroy-unattached', 'off'];
  const words = ['-u', '-S', socketPath, '-N', ...make, 'sh', '-c', watch(name), ...stay];
  const child = execa(program, words, { ...byItself(), stdin: 'ignore' });
  const { line, why, isMissing } = await firstLine(child);
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as unknown as Socket).unref?.();
  const [pane = '', session, server, panePid] = line.split(' ');
  if (session === undefined) throw refusal(socketPath, isMissing ? 'ENOENT' : why.slice(0, 200));
  return { pane, session, server: Number(server), panePid: Number(panePid) };
}

/** Starts a control client in the hidden session. It and its pipes, except stdout, are unref'd. */
export function start(program: string, socketPath: string, { session }: Hidden) {
  const attach = ['attach-session', '-E', '-f', 'no-output,ignore-size', '-t', session];
  const child = execa(program, ['-u', '-S', socketPath, '-N', '-C', ...attach], byItself());
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
    const pid = serverOn(socketPath);
    if (pid !== undefined) return outOfReach(socketPath, pid);
    const hint = `Start one: tmux -S ${shellWord(socketPath)} new-session -d -s NAME COMMAND.`;
    return new MamError('not_found', `No tmux server is running at ${socketPath}.`, hint);
  }
  return new MamError('unavailable', `The tmux server at ${socketPath} refused the connection: ${why}.`);
}
