import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { MamError } from '../../base/errors.ts';
import { checkRoom, makeFolder } from '../../base/folders.ts';
import { cleanLine } from '../../base/text.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { runTogether } from '../../tmux/commands.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import { firstLine } from '../../tmux/first-line.ts';
import { type HeldSession, hasSessionHooks, holdSession, readHeld } from '../../tmux/hold-session.ts';
import { tmuxProgram } from '../../tmux/program.ts';
import { outOfReach, serverOn } from '../../tmux/server-life.ts';
import { checkTmuxSocket, noSocketFolder } from '../../trust/socket.ts';

const REASON_CHARS = 200;

/**
 * The servers that are being started, by their sockets. Another start meanwhile would find a server that has no socket yet,
 * and take it for one whose socket is gone.
 */
const starting = new Map<string, Promise<unknown>>();

/**
 * Creates a session that waits for its program, over the server's control client; if no server is running, it is the first
 * session of a new one.
 * @param env what a new server takes from the caller's environment
 * @returns its ids, and whether its server is new
 * @throws MamError `conflict` when a session of this name exists, `io` if tmux can't have its socket
 */
export async function createSession(
  server: TmuxServer,
  { name, folder, env }: { name: string; folder: string; env: Record<string, string> },
): Promise<HeldSession & { isFirst: boolean }> {
  const commands = holdSession(name, folder);
  try {
    if (await hasSessionHooks(server))
      return { ...(await byItself(server.socketPath, commands, { isFirst: false, env })), isFirst: false };
    return { ...readHeld((await runTogether(server, commands))[0]), isFirst: false };
  } catch (error) {
    if (/duplicate session/.test(String(error))) {
      throw new MamError(
        'conflict',
        `A tmux session ${name} already exists.`,
        `Delegate to it with agent_session "tmux:${name}", or start the agent under another name.`,
      );
    }
    if (!(error instanceof MamError) || error.code !== 'not_found') throw error;
  }
  const socket = server.socketPath;
  const before = starting.get(socket);
  if (before !== undefined) {
    await before.catch(() => undefined);
    return createSession(server, { name, folder, env });
  }
  makeSocketFolder(socket);
  const made = byItself(socket, commands, { isFirst: true, env });
  starting.set(socket, made);
  try {
    return { ...(await made), isFirst: true };
  } finally {
    starting.delete(socket);
  }
}

/** Creates a session by a separate process, which the user's hooks may delay forever: only its first line is awaited. */
async function byItself(
  socket: string,
  commands: string[][],
  { isFirst, env }: { isFirst: boolean; env: Record<string, string> },
): Promise<HeldSession> {
  checkTmuxSocket(socket);
  const lost = existsSync(socket) ? undefined : serverOn(socket);
  if (lost !== undefined) throw outOfReach(socket, lost);
  const words = commands.flatMap((one, at) => (at === 0 ? one : [';', ...one]));
  const child = execa(tmuxProgram(), ['-u', '-S', socket, ...(isFirst ? [] : ['-N']), ...words], {
    extendEnv: false,
    // A new server takes its environment from here, as from a shell of the caller, and finds its configuration by it.
    env: { ...scrubbedEnvironment(), ...env },
    stdin: 'ignore',
    buffer: false,
    reject: false,
    cleanup: false,
    detached: true,
    cwd: '/',
  });
  const { line, why } = await firstLine(child);
  if (line !== '') return readHeld(line);
  const reason = cleanLine(why, REASON_CHARS) || 'it gave no reason';
  const what = isFirst ? `start a server at ${socket}` : 'create a session';
  throw new MamError(
    'unavailable',
    `tmux could not ${what}: ${reason}.`,
    'Try the same by hand: `tmux new-session`.',
  );
}

/** Creates the folder of tmux's sockets. @param look only checks that it could be created @throws MamError `io` if not */
export function makeSocketFolder(socket: string, look = false): void {
  const folder = dirname(socket);
  try {
    if (look) checkRoom(folder);
    else makeFolder(folder);
  } catch (error) {
    throw noSocketFolder(folder, error);
  }
}
