import { execa } from 'execa';
import type { TmuxServer } from './control.ts';
import { quote } from './quote.ts';

/** How long a message is shown, in ms. */
const MESSAGE_MS = 20_000;
const UNREAD_TIMEOUT_MS = 2_000;

/** Ends a pane and what runs in it. @throws MamError as `TmuxServer.command` */
export async function killPane(server: TmuxServer, pane: string): Promise<void> {
  await server.command(`kill-pane -t ${quote(pane)}`);
}

/** Ends a session, if it exists. @param target its id, or a pane of it */
export async function killSession(server: TmuxServer, target: string): Promise<void> {
  await server.command(`kill-session -t ${quote(target)}`).catch(() => {});
}

/** Makes a pane end with its program again, as usual. */
export async function endWithProgram(server: TmuxServer, pane: string): Promise<void> {
  await server.command(`set-option -p -u -t ${quote(pane)} remain-on-exit`).catch(() => {});
}

/** The screen of a pane with a number of lines above it. @throws MamError as `TmuxServer.command` */
export function captureHistory(server: TmuxServer, pane: string, lines: number): Promise<string[]> {
  return server.command(`capture-pane -p -S -${lines} -t ${quote(pane)}`);
}

/** The working folder of the program in a pane's foreground; empty if tmux can't know. @throws MamError as `TmuxServer.command` */
export async function currentFolder(server: TmuxServer, pane: string): Promise<string> {
  const [folder = ''] = await server.command(`display-message -p -t ${quote(pane)} '#{pane_current_path}'`);
  return folder;
}

/** Shows a line to every client of a session. @returns how many clients @throws MamError as `TmuxServer.command` */
export async function showMessage(server: TmuxServer, session: string, text: string): Promise<number> {
  const format = '#{client_control_mode} #{client_name}';
  const rows = await server.command(`list-clients -t ${quote(`=${session}`)} -F ${quote(format)}`);
  const clients = rows.filter((row) => row.startsWith('0 ')).map((row) => row.slice(2));
  // tmux expands formats and dates in a message; 3.3a has no `-l`, which shows it literally.
  const plain = quote(text.replaceAll('#', '##').replaceAll('%', '%%'));
  let seen = 0;
  for (const client of clients) {
    await server.command(`display-message -d ${MESSAGE_MS} -c ${quote(client)} ${plain}`).then(
      () => seen++,
      () => {},
    );
  }
  return seen;
}

/**
 * Whether a pane's terminal has keys that its program has not read, as far as that can be seen. Starts a process for the
 * check, which reads nothing.
 */
export async function hasUnread(server: TmuxServer, pane: string): Promise<boolean | undefined> {
  const [terminal = ''] = await server.command(`display-message -p -t ${quote(pane)} '#{pane_tty}'`);
  if (!terminal.startsWith('/dev/')) return undefined;
  const silent = { reject: false, stdio: 'ignore', cwd: '/', timeout: UNREAD_TIMEOUT_MS } as const;
  const { exitCode } = await execa('bash', ['-c', 'read -t 0 < "$1"', 'bash', terminal], silent);
  return exitCode === 0 || (exitCode === 1 ? false : undefined);
}

/** Runs commands in one turn of tmux. @returns the lines that they print @throws MamError as `TmuxServer.command` */
export function runTogether(server: TmuxServer, commands: readonly string[][]): Promise<string[]> {
  const lines = commands.map(([command = '', ...words]) => [command, ...words.map(quote)].join(' '));
  return server.command(lines.join(' ; '));
}
