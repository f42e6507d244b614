import { dirname } from 'node:path';
import { execa } from 'execa';
import { forRunningServer, scrubbedEnvironment } from '../environment.ts';
import { MamError } from '../errors.ts';
import { checkRoom, makeFolder } from '../folders.ts';
import { cleanLine } from '../job/text.ts';
import type { TmuxServer } from '../tmux/control.ts';
import { tmuxProgram } from '../tmux/program.ts';
import { quote } from '../tmux/quote.ts';
import { checkTmuxSocket, noSocketFolder } from '../trust/socket.ts';

const REASON_CHARS = 200;

/**
 * Creates a session with a program in it. A tmux server that runs is asked over its control client; where none runs,
 * this session is the first of a new one.
 * @returns what `newSession` has tmux print
 * @throws MamError `conflict` when a session of this name is there, `io` where tmux can have no socket
 */
export async function createSession(
  server: TmuxServer,
  from: {
    socket: string;
    name: string;
    /** @param more of its environment */
    newSession: (more?: Record<string, string>) => string[];
    marks: string[][];
    /** What of the caller's environment it shall have. */
    session: Record<string, string> | undefined;
  },
): Promise<string> {
  const { socket, name, newSession, marks, session = {} } = from;
  try {
    const line = [newSession(forRunningServer(session)), ...marks]
      .map(([command = '', ...words]) => [command, ...words.map((word) => quote(word))].join(' '))
      .join(' ; ');
    return (await server.command(line))[0] ?? '';
  } catch (error) {
    if (/duplicate session/.test(String(error))) {
      throw new MamError(
        'conflict',
        `A tmux session ${name} exists already.`,
        `Delegate to it with agent_session "tmux:${name}", or start the agent under another name.`,
      );
    }
    if (!(error instanceof MamError) || error.code !== 'not_found') throw error;
  }
  makeSocketFolder(socket);
  checkTmuxSocket(socket);
  const words = [newSession(), ...marks.map((mark) => [';', ...mark])].flat();
  const { stdout, stderr, failed } = await execa(tmuxProgram(), ['-u', '-S', socket, ...words], {
    extendEnv: false,
    // The server has its environment from here, as from a shell of the caller's, and its configuration by that.
    env: { ...scrubbedEnvironment(), ...session },
    stdin: 'ignore',
    cwd: '/',
    reject: false,
  });
  if (failed)
    throw new MamError(
      'unavailable',
      `tmux could not begin a server at ${socket}: ${cleanLine(stderr, REASON_CHARS) || 'it gave no reason'}.`,
      'Try the same by hand: `tmux new-session`.',
    );
  return stdout.trim();
}

/** Makes the folder of tmux's sockets. @param look only whether it could be made @throws MamError `io` when it can't */
export function makeSocketFolder(socket: string, look = false): void {
  const folder = dirname(socket);
  try {
    if (look) checkRoom(folder);
    else makeFolder(folder);
  } catch (error) {
    throw noSocketFolder(folder, error);
  }
}
