import { spawnSync } from 'node:child_process';
import { MamError, systemCode } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { checkTmuxSocket } from '../../trust/socket.ts';
import { type AttachTarget, attachWords, type Standpoint } from '../../view/attach.ts';

const REASON_CHARS = 200;
/** A tmux server that runs answers in some ms. */
const TMUX_TIMEOUT_MS = 5_000;
/** What the sessions begin with that a hub makes for itself. */
const HIDDEN = '_mam-';

/**
 * Shows a session on this terminal: attaches, and comes back when the person detaches; inside the same tmux server
 * switches to it, and comes back at once. Nothing else of this process goes on meanwhile, so that no key gets into the
 * wrong hands.
 * @throws MamError `unavailable` with tmux's own words, or when there is no tmux
 */
export function attachTo(target: AttachTarget, from: Standpoint): void {
  if (target.pane !== undefined && sessionNow(target) === undefined)
    throw notShown(target, 'its pane is gone');
  const words = attachWords(target, from);
  const inside = from.inside === target.socket;
  // Named, since tmux takes any client that it finds where nobody looks at this pane: a hub's own, for example.
  const client = inside ? ['-c', clientHere(target.socket)] : [];
  const { error, status, stderr } = spawnSync('tmux', [...words, ...client], {
    cwd: '/',
    stdio: ['inherit', 'inherit', 'pipe'],
    env: inside ? environment() : outside(),
    encoding: 'utf8',
  });
  if (error !== undefined) throw noTmux();
  if (status !== 0) throw notShown(target, cleanLine(stderr, REASON_CHARS) || `it ended with ${status}`);

  function clientHere(socket: string): string {
    const format = '#{client_control_mode} #{client_activity} #{client_name}';
    const lines = tmuxLines(socket, ['list-clients', '-t', environment()['TMUX_PANE'] ?? '', '-F', format]);
    const people = lines.filter((line) => line.startsWith('0 ')).map((line) => line.split(' '));
    const [last] = people.sort(([, a], [, b]) => Number(b) - Number(a));
    if (last === undefined) throw notShown(target, 'nobody is attached to the session of this pane');
    return last.slice(2).join(' ');
  }
}

/**
 * The names of the live sessions of a tmux server, without the hidden ones of a hub; none when it does not run.
 * @throws MamError `unavailable` when there is no tmux, or it does not answer
 */
export function sessionsOf(socket: string): string[] {
  const names = tmuxLines(socket, ['list-sessions', '-F', '#{session_name}']);
  return names.filter((name) => !name.startsWith(HIDDEN));
}

/**
 * The name that the session of a pane has now, however it was renamed or the pane was moved.
 * @returns nothing when the pane is gone, also where a later tmux server has given its id to another one
 * @throws MamError as `sessionsOf`
 */
export function sessionNow({
  socket,
  pane,
  session_created: made = Infinity,
}: AttachTarget): string | undefined {
  const lines = tmuxLines(socket, ['list-panes', '-a', '-F', '#{pane_id} #{start_time} #{session_name}']);
  const [, since, ...name] = lines.map((line) => line.split(' ')).find(([id]) => id === pane) ?? [];
  return since === undefined || Number(since) > made ? undefined : name.join(' ');
}

function tmuxLines(socket: string, words: string[]): string[] {
  checkTmuxSocket(socket);
  // A relative entry of the PATH leads into the project here.
  const options = { cwd: '/', encoding: 'utf8', timeout: TMUX_TIMEOUT_MS } as const;
  const { stdout, error } = spawnSync('tmux', ['-S', socket, ...words], options);
  if (error !== undefined && systemCode(error) === 'ETIMEDOUT')
    throw new MamError(
      'unavailable',
      `The tmux server at ${socket} does not answer.`,
      'Look whether it still runs; `mam doctor` shows which server is meant.',
    );
  if (error !== undefined) throw noTmux();
  return stdout.split('\n').filter(Boolean);
}

function noTmux(): MamError {
  return new MamError('unavailable', 'tmux could not be started.', 'Install tmux, or put it on the PATH.');
}

function notShown({ session }: AttachTarget, reason: string): MamError {
  const name = cleanLine(session, REASON_CHARS);
  return new MamError('unavailable', `tmux could not show session ${name}: ${reason}.`);
}

/** tmux attaches to another server only from outside of its own. */
function outside(): NodeJS.ProcessEnv {
  const { TMUX: _, TMUX_PANE: __, ...rest } = environment();
  return rest;
}

function environment(): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: it goes to tmux as it is; no setting of ours is read from it
  return process.env;
}
