import { cleanLine } from '../../base/text.ts';
import { findPane } from '../../tmux/pane.ts';
import { quote } from '../../tmux/quote.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

const SHOWN_CHARS = 160;
/** How long (ms) the line stays in tmux's status bar. */
const SHOWN_MS = 20_000;

/** A session in which a job for a person is shown. @throws MamError `not_found` when there is none of that name */
export async function checkHumanSession(
  servers: TmuxServers,
  socket: string,
  address: string | undefined,
): Promise<void> {
  if (address !== undefined) await findPane(servers.get(socket), address);
}

/**
 * Tells a person of a job: one line in the status bar of those who look at the session; nothing is typed.
 * @returns what was done, as evidence for the receipt
 */
export async function showToHuman(
  servers: TmuxServers,
  socket: string,
  address: string | undefined,
  job: LiveJob,
): Promise<string> {
  const listed = 'it is in mam list';
  if (address === undefined) return listed;
  const server = servers.get(socket);
  const { pane } = await findPane(server, address);
  const rows = await server.command(
    `list-clients -t ${quote(`=${pane.session}`)} -F '#{client_control_mode} #{client_name}'`,
  );
  const clients = rows.filter((row) => row.startsWith('0 ')).map((row) => row.slice(2));
  const words = `Job for you: ${cleanLine(job.record.prompt_preview, SHOWN_CHARS)} - when done: mam done ${job.id}`;
  // tmux expands formats and dates in a message; 3.3a has no `-l`, which says it as it is.
  const plain = words.replaceAll('#', '##').replaceAll('%', '%%');
  let seen = 0;
  for (const client of clients) {
    await server.command(`display-message -d ${SHOWN_MS} -c ${quote(client)} ${quote(plain)}`).then(
      () => seen++,
      () => {},
    );
  }
  return `${listed}; shown to ${seen} who look at session ${pane.session}`;
}
