import { spawnSync } from 'node:child_process';
import { MamError, systemCode } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { checkTmuxSocket } from '../../trust/socket.ts';
import { type AttachTarget, attachWords, type Standpoint, sshWords } from '../../view/attach.ts';

const REASON_CHARS = 200;
/** A running tmux server answers within some ms. */
const TMUX_TIMEOUT_MS = 5_000;
/** The name prefix of sessions that a hub makes for itself. */
const HIDDEN = '_mam-';

/**
 * Shows a session on this terminal: attaches, and returns when the person detaches; inside the same tmux server it
 * switches the client and returns immediately. It blocks the whole process, so that no key reaches the wrong reader.
 * @throws MamError `unavailable` with tmux's own words, or if tmux is missing
 */
export function attachTo(target: AttachTarget, from: Standpoint): void {
  if (target.pane !== undefined && sessionNow(target) === undefined)
    throw notShown(target, 'its pane is gone');
  const words = attachWords(target, from);
  const inside = from.inside === target.socket;
  // Named, because if nobody is viewing this pane, tmux takes any client that it finds, such as a hub's own.
  const client = inside ? ['-c', clientHere(target.socket)] : [];
  // tmux attaches to another server only from outside tmux.
  const { TMUX: _, TMUX_PANE: __, ...outside } = environment();
  const { error, status, stderr } = spawnSync('tmux', [...words, ...client], {
    cwd: '/',
    stdio: ['inherit', 'inherit', 'pipe'],
    env: inside ? environment() : outside,
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
 * Shows a pane of another machine on this terminal over ssh, and returns when the person detaches.
 * @throws MamError `unavailable` if that machine is not reached over ssh, or ssh is missing or fails
 */
export function attachOver(
  host: string,
  target: AttachTarget,
  jobId: string | undefined,
  { hosts }: Standpoint,
): void {
  const what = jobId === undefined ? `Session ${cleanLine(target.session, 80)}` : `Job ${jobId}`;
  const [ssh, ...words] = sshWords(target, hosts?.[host]?.ssh) ?? [];
  if (ssh === undefined)
    throw new MamError(
      'unavailable',
      `${what} is on ${host}, which is not reached over ssh: it cannot be shown here.`,
      `On ${host}, run: mam attach ${jobId ?? target.session}`,
    );
  const { error, status } = spawnSync(ssh, words, { cwd: '/', stdio: 'inherit' });
  if (error !== undefined)
    throw new MamError('unavailable', 'ssh could not be started.', 'Install ssh, or put it on the PATH.');
  if (status !== 0)
    throw new MamError(
      'unavailable',
      `${what} on ${host} could not be shown: ssh or tmux ended with ${status ?? 'a signal'}.`,
      `\`mam hosts check ${host}\` tries the way there.`,
    );
}

/** The visible sessions of a tmux server; none if it is not running. @throws MamError `unavailable` if tmux fails */
export function sessionsOf(socket: string): string[] {
  const names = tmuxLines(socket, ['list-sessions', '-F', '#{session_name}']);
  return names.filter((name) => !name.startsWith(HIDDEN));
}

/**
 * The current name of a pane's session, even if the session was renamed or the pane was moved.
 * @returns undefined if the pane is gone, even if a later tmux server has reused its id
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
  // In the project's folder, a relative entry of the PATH would lead into the project.
  const options = { cwd: '/', encoding: 'utf8', timeout: TMUX_TIMEOUT_MS } as const;
  const { stdout, error } = spawnSync('tmux', ['-S', socket, ...words], options);
  if (error !== undefined && systemCode(error) === 'ETIMEDOUT')
    throw new MamError(
      'unavailable',
      `The tmux server at ${socket} does not answer.`,
      'Check that it is still running; `mam doctor` shows which server is used.',
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

function environment(): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: it is passed to tmux unchanged; none of our settings is read from it
  return process.env;
}
