import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { explain } from '../base/errors.ts';
import { isFolder } from '../base/folders.ts';
import { realPlace } from '../base/real-place.ts';
import { shellWord } from '../base/shell.ts';
import { cleanLine, counted } from '../base/text.ts';
import { userId } from '../base/user-home.ts';
import type { Settings } from '../settings/config.ts';
import { IS_HIDDEN_FORMAT } from '../tmux/marks.ts';
import { serverOn } from '../tmux/server-life.ts';
import { checkTmuxSocket } from '../trust/socket.ts';
import { type Check, type Place, withSettings } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';
import { numberIn } from './programs.ts';

const TMUX_TIMEOUT_MS = 2_000;
const LIST = ['list-panes', '-a', '-F', `#{version} ${IS_HIDDEN_FORMAT} #{session_id}`];
const SAID_CHARS = 300;

/** What answers at a socket. */
type Server =
  | { state: 'answers'; version: string | undefined; sessions: number }
  | { state: 'refuses'; said: string }
  | { state: 'silent' | 'stale' | 'none' };

/** Which tmux server is searched for agents, why that one, and whether it answers. Starts none. */
export const tmuxSockets: Check = {
  name: 'tmux sockets',
  area: 'tmux',
  limitMs: 6_000,

  look: withSettings(async (settings, place) => {
    const { tmuxSocket } = settings;
    const server = await ask(tmuxSocket, place);
    return [
      ...folderOfSockets(place),
      // tmux-swept.ts reports one that runs without its socket.
      ...(server.state === 'none' && serverOn(tmuxSocket) !== undefined
        ? []
        : [stateOf(server, settings, reasonFor(settings, place))]),
      ...(await versions(server, tmuxSocket, place)),
      ...disagreement(settings, server, place),
    ];
  }),
};

async function ask(socket: string, { programs }: Place): Promise<Server> {
  if (!existsSync(socket) || programs.find('tmux') === undefined) return { state: 'none' };
  try {
    checkTmuxSocket(socket);
  } catch (error) {
    return { state: 'refuses', said: cleanLine(explain(error), SAID_CHARS) };
  }
  const { code, stdout, stderr, late } = await programs.run('tmux', ['-S', socket, ...LIST], TMUX_TIMEOUT_MS);
  if (late) return { state: 'silent' };
  if (code === 0) {
    const panes = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '));
    const shown = panes.filter(([, hidden]) => hidden !== '1').map(([, , session]) => session);
    return { state: 'answers', version: panes[0]?.[0], sessions: new Set(shown).size };
  }
  const said = cleanLine(stderr, SAID_CHARS);
  const isGone = /no server running|Connection refused|No such file/.test(said);
  return isGone ? { state: 'stale' } : { state: 'refuses', said };
}

function reasonFor({ tmuxServerName, paneSocket }: Settings, { env }: Place): string {
  if (env['TMUX_SERVER_NAME']) return `TMUX_SERVER_NAME=${tmuxServerName}`;
  if (tmuxServerName !== undefined) return `tmux_server_name "${tmuxServerName}" of a config.json`;
  if (paneSocket !== undefined) return 'this shell runs in it (TMUX)';
  return env['TMUX_TMPDIR'] ? 'the default server, in TMUX_TMPDIR' : 'the default server';
}

function stateOf(server: Server, { tmuxSocket, paneSocket }: Settings, why: string): Found {
  const where = `${tmuxSocket} (${why})`;
  const id = 'tmux.socket';
  if (server.state === 'answers') return ok(id, `${counted(server.sessions, 'session')} at ${where}`);
  if (server.state === 'silent') {
    const title = `The tmux server at ${where} did not answer within ${TMUX_TIMEOUT_MS / 1000} s.`;
    return problem(id, title, 'If it is stopped: `pgrep -a tmux` shows it, `kill -CONT PID` resumes it.');
  }
  if (server.state === 'refuses') {
    const remedy = /protocol version/.test(server.said)
      ? 'It was started by another version of tmux: end its sessions with that version, then start it again.'
      : 'Is it yours? Check the owner of the socket and of its folder.';
    return problem(id, `tmux cannot talk to the server at ${where}: ${server.said}`, remedy);
  }
  if (tmuxSocket === paneSocket) {
    const remedy =
      'Sessions of other servers are not searched while it is set: `unset TMUX TMUX_PANE`, or open a new shell.';
    return problem(id, `TMUX names a server that is gone: ${tmuxSocket}.`, remedy);
  }
  if (server.state === 'none') return ok(id, `No tmux server is running yet at ${where}`);
  const title = `A tmux server has left its socket behind, and none answers: ${where}.`;
  const remedy =
    'Nothing needs to be done: the next start of tmux replaces it, such as `mam start claude-code`.';
  return note(id, title, remedy);
}

async function versions(server: Server, socket: string, { programs }: Place): Promise<Found[]> {
  const program = numberIn((await programs.version('tmux')) ?? '');
  const version = server.state === 'answers' ? server.version : undefined;
  if (version === undefined || program === undefined || version === program) return [];
  const title = `The tmux server is ${cleanLine(version, SAID_CHARS)}, the program ${program}: tmux was updated while it ran.`;
  const remedy = `When its sessions are no longer needed: \`tmux -S ${shellWord(socket)} kill-server\`, and start them again.`;
  return [note('tmux.server-version', title, remedy)];
}

/** tmux itself uses /tmp if TMUX_TMPDIR is not a folder. */
function folderOfSockets({ env }: Place): Found[] {
  const folder = env['TMUX_TMPDIR'];
  if (!folder || isFolder(folder)) return [];
  const title = `TMUX_TMPDIR is not a folder: ${folder}. tmux itself then uses /tmp, so its sessions are not found.`;
  const remedy = `\`unset TMUX_TMPDIR\`, or make the folder: mkdir -p ${shellWord(folder)}.`;
  return [problem('tmux.tmpdir', title, remedy)];
}

function disagreement({ tmuxSocket, paneSocket }: Settings, server: Server, { env }: Place): Found[] {
  if (paneSocket === undefined) return [];
  const base = join(env['TMUX_TMPDIR'] || '/tmp', `tmux-${userId()}`);
  const folder = dirname(paneSocket);
  if (realPlace(folder) === realPlace(base)) return [];
  const other = env['TMUX_TMPDIR'] ? `but TMUX_TMPDIR leads to ${base}` : `which is not in ${base}`;
  const title = `This shell is in the tmux server ${paneSocket}, ${other}.`;
  const remedy =
    basename(folder) === basename(base)
      ? `Use the same folder wherever mam runs: \`export TMUX_TMPDIR=${shellWord(dirname(folder))}\`.`
      : 'It was started with `tmux -S`: only a mam inside it finds its sessions. With `tmux -L NAME` and TMUX_SERVER_NAME=NAME all do.';
  // With a name the folder decides, so what runs around this shell is not found.
  const lost = tmuxSocket !== paneSocket && server.state !== 'answers';
  const detail = `Agents are searched for at ${tmuxSocket}; sessions of the other server are not found.`;
  return [(lost ? problem : note)('tmux.folders', title, remedy, detail)];
}
