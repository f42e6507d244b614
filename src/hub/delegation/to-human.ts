import { explain } from '../../base/errors.ts';
import { cleanLine, counted } from '../../base/text.ts';
import { showMessage } from '../../tmux/commands.ts';
import { findPane } from '../../tmux/pane.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { createJob, type Parts, type Wish } from './create-job.ts';

const SHOWN_CHARS = 160;

/** Creates a job for a person: nothing is typed, and its time limits run from now on. @throws MamError as `createJob` */
export async function toHuman(parts: Parts, wish: Wish): Promise<LiveJob> {
  const job = createJob(parts, wish);
  parts.dispatcher.enqueue(job);
  await job.kept;
  const evidence = await show(parts.servers, wish, job).catch(explain);
  await parts.registrar.note(job, 'submitted', { data: { evidence } });
  return job;
}

/**
 * Shows one line in the status bar of the clients that are attached to the person's session.
 * @returns what was done, as evidence for the receipt
 */
async function show(servers: TmuxServers, { params }: Wish, job: LiveJob): Promise<string> {
  const listed = 'it is in mam list';
  if (params.agent_session === undefined) return listed;
  const server = servers.get(params.tmux_socket);
  const { pane } = await findPane(server, params.agent_session);
  const words = `Job for you: ${cleanLine(job.record.prompt_preview, SHOWN_CHARS)} - when done: mam done ${job.id}`;
  const seen = await showMessage(server, pane.session, words);
  return `${listed}; shown to ${counted(seen, 'client')} of session ${pane.session}`;
}
