import { execa } from 'execa';
import type { TmuxServer } from './control.ts';
import { quote } from './quote.ts';

/** Tells whether there is something to read, and reads nothing. */
const ASK = 'read -t 0 < "$1"';
const ASK_MS = 2_000;

/**
 * Whether keys wait in a pane's terminal that its program has not read. A process is started for it.
 * @returns nothing where that can't be told
 */
export async function hasUnread(server: TmuxServer, pane: string): Promise<boolean | undefined> {
  const [terminal = ''] = await server.command(`display-message -p -t ${quote(pane)} '#{pane_tty}'`);
  if (!terminal.startsWith('/dev/')) return undefined;
  const { exitCode } = await execa('bash', ['-c', ASK, 'bash', terminal], {
    reject: false,
    stdio: 'ignore',
    cwd: '/',
    timeout: ASK_MS,
  });
  if (exitCode === 0) return true;
  return exitCode === 1 ? false : undefined;
}
