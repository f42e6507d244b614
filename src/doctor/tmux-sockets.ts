import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { explain } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { shellWord } from '../base/shell.ts';
import { cleanLine } from '../base/text.ts';
import { userId } from '../base/user-home.ts';
import type { Settings } from '../settings/config.ts';
import { IS_HIDDEN_FORMAT } from '../tmux/marks.ts';
import { serverOn } from '../tmux/server-life.ts';
import { checkTmuxSocket } from '../trust/socket.ts';
import { type Check, type Place, withSettings } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';
import { numberIn } from './programs.ts';

const ANSWER_MS = 2_000;
const LIST = ['list-panes', '-a', '-F', `#{version} ${IS_HIDDEN_FORMAT} #{session_id}`];
const SAID_CHARS = 300;

/** What answers at a socket. */
interface Server {
  state: 'answers' | 'silent' | 'stale' | 'refuses' | 'none';
  version?: string | undefined;
  sessions: number;
  said: string;
}

/** Which tmux server is looked into for agents, why that one, and whether it answers. Asking starts none. */
export const tmuxSockets: Check = {
  name: 'tmux sockets',
  area: 'tmux',
  limitMs: 6_000,

  look: withSettings(async (settings, place) => {
    const { tmuxSocket } = settings;
    const server = await ask(tmuxSocket, place);
    return [
      ...folderOfSockets(place),
      // One that lives without its socket is told by tmux-swept.ts.
      ...(server.state === 'none' && serverOn(tmuxSocket) !== undefined
        ? []
        : [stateOf(server, settings, reasonFor(settings, place))]),
      ...(await versions(server, tmuxSocket, place)),
      ...disagreement(settings, server, place),
    ];
  }),
};

async function ask(socket: string, { programs }: Place): Promise<Server> {
  const there = statSync(socket, { throwIfNoEntry: false }) !== undefined;
  if (!there || programs.find('tmux') === undefined) return { state: 'none', sessions: 0, said: '' };
  try {
    checkTmuxSocket(socket);
  } catch (error) {
    return { state: 'refuses', sessions: 0, said: cleanLine(explain(error), SAID_CHARS) };
  }
  const { code, stdout, stderr, late } = await programs.run('tmux', ['-S', socket, ...LIST], ANSWER_MS);
  const said = cleanLine(stderr, SAID_CHARS);
  if (late) return { state: 'silent', sessions: 0, said };
  if (code === 0) {
    const panes = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '));
    const shown = panes.filter(([, hidden]) => hidden !== '1').map(([, , session]) => session);
    return { state: 'answers', version: panes[0]?.[0], sessions: new Set(shown).size, said };
  }
  const gone = /no server running|Connection refused|No such file/.test(said);
  return { state: gone ? 'stale' : 'refuses', sessions: 0, said };
}

/** Why the settings lead to this socket. */
function reasonFor({ tmuxServerName, paneSocket }: Settings, { env }: Place): string {
  if (env['TMUX_SERVER_NAME']) return `TMUX_SERVER_NAME=${tmuxServerName}`;
  if (tmuxServerName !== undefined) return `tmux_server_name "${tmuxServerName}" of a config.json`;
  if (paneSocket !== undefined) return 'this shell runs in it (TMUX)';
  return env['TMUX_TMPDIR'] ? 'the default server, in TMUX_TMPDIR' : 'the default server';
}

function stateOf(server: Server, { tmuxSocket, paneSocket }: Settings, why: string): Found {
  const where = `${tmuxSocket} (${why})`;
  const id = 'tmux.socket';
  const count = `${server.sessions} ${server.sessions === 1 ? 'session' : 'sessions'}`;
  switch (server.state) {
    case 'answers':
      return ok(id, `${count} at ${where}`);
    case 'silent':
      return problem(
        id,
        `The tmux server at ${where} did not answer within ${ANSWER_MS / 1000} s.`,
        `Is it stopped? \`pgrep -a tmux\` shows it, \`kill -CONT PID\` lets it go on.`,
      );
    case 'refuses':
      return problem(
        id,
        `tmux cannot talk to the server at ${where}: ${server.said}`,
        /protocol version/.test(server.said)
          ? 'It was started by another version of tmux: end its sessions with that version, then start it anew.'
          : 'Is it yours? Check the owner of the socket and of its folder.',
      );
    default:
  }
  if (tmuxSocket === paneSocket) {
    return problem(
      id,
      `TMUX names a server that is gone: ${tmuxSocket}.`,
      'Sessions of other servers are not looked for while it is set: `unset TMUX TMUX_PANE`, or open a new shell.',
    );
  }
  return server.state === 'stale'
    ? note(
        id,
        `A tmux server has left its socket behind, and none answers: ${where}.`,
        'Nothing has to be done: the next start of tmux replaces it, such as `mam start claude-code`.',
      )
    : ok(id, `No tmux server runs yet at ${where}; mam start begins one`);
}

async function versions(server: Server, socket: string, { programs }: Place): Promise<Found[]> {
  const program = numberIn((await programs.version('tmux', '-V')) ?? '');
  const { version } = server;
  if (version === undefined || program === undefined || version === program) return [];
  return [
    note(
      'tmux.server-version',
      `The tmux server is ${cleanLine(version, SAID_CHARS)}, the program ${program}: tmux was updated while it ran.`,
      `When nothing of worth is in its sessions any more: \`tmux -S ${shellWord(socket)} kill-server\`, and start them anew.`,
    ),
  ];
}

/** tmux itself takes /tmp where TMUX_TMPDIR is no folder. */
function folderOfSockets({ env }: Place): Found[] {
  const folder = env['TMUX_TMPDIR'];
  if (!folder || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return [];
  return [
    problem(
      'tmux.tmpdir',
      `TMUX_TMPDIR is not a folder: ${folder}. tmux itself uses /tmp then, so its sessions are looked for where none are.`,
      `\`unset TMUX_TMPDIR\`, or make the folder: mkdir -p ${shellWord(folder)}.`,
    ),
  ];
}

function disagreement({ tmuxSocket, paneSocket }: Settings, server: Server, { env }: Place): Found[] {
  if (paneSocket === undefined) return [];
  const base = join(env['TMUX_TMPDIR'] || '/tmp', `tmux-${userId()}`);
  if (realOf(dirname(paneSocket)) === realOf(base)) return [];
  const folder = dirname(paneSocket);
  const title = `This shell is in the tmux server ${paneSocket}, but TMUX_TMPDIR leads to ${base}.`;
  const plain = `This shell is in the tmux server ${paneSocket}, and not in one of ${base}.`;
  const remedy =
    basename(folder) === basename(base)
      ? `Give both the same wherever mam runs: \`export TMUX_TMPDIR=${shellWord(dirname(folder))}\`.`
      : 'It was started with `tmux -S`: only a mam inside of it finds its sessions. With `tmux -L NAME` and TMUX_SERVER_NAME=NAME all do.';
  // With a name the folder decides, so what runs around this shell is not found.
  const lost = tmuxSocket !== paneSocket && server.state !== 'answers';
  const detail = `Agents are looked for at ${tmuxSocket}; sessions of the other one are not found.`;
  return [(lost ? problem : note)('tmux.folders', env['TMUX_TMPDIR'] ? title : plain, remedy, detail)];
}

function realOf(path: string): string {
  return orElse(() => realpathSync(path), path);
}
