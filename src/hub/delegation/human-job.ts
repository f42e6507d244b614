import { cleanLine } from '../../base/text.ts';
import { showMessage } from '../../tmux/commands.ts';
import { findPane } from '../../tmux/pane.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

const SHOWN_CHARS = 160;

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
  const words = `Job for you: ${cleanLine(job.record.prompt_preview, SHOWN_CHARS)} - when done: mam done ${job.id}`;
  const seen = await showMessage(server, pane.session, words);
  return `${listed}; shown to ${seen} who look at session ${pane.session}`;
}
