import { explain } from '../../base/errors.ts';
import { cleanLine, counted } from '../../base/text.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { showMessage } from '../../tmux/commands.ts';
import { findPane } from '../../tmux/pane.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { createJob, type Ordered, type Parts } from './create-job.ts';

const SHOWN_CHARS = 160;

/** Creates a job for a person: nothing is typed, and its time limits run from now on. @throws MamError as `createJob` */
export async function toHuman(parts: Parts, wish: Ordered): Promise<LiveJob> {
  const job = createJob(parts, wish);
  parts.dispatcher.enqueue(job);
  await job.kept;
  await showTo(parts, job, wish.params);
  return job;
}

/** Shows a person a job that is on the disk. Its time limits run from now on. */
export async function showTo(
  { servers, registrar }: Pick<Parts, 'servers' | 'registrar'>,
  job: LiveJob,
  params: Where,
): Promise<void> {
  const evidence = await show(servers, params, job).catch(explain);
  await registrar.note(job, 'submitted', { data: { evidence } });
}

type Where = Pick<DelegateParams, 'agent_session' | 'tmux_socket'>;

/**
 * Shows one line in the status bar of the clients that are attached to the person's session.
 * @returns what was done, as evidence for the receipt
 */
async function show(servers: TmuxServers, params: Where, job: LiveJob): Promise<string> {
  const listed = 'it is in mam list';
  if (params.agent_session === undefined) return listed;
  const server = servers.get(params.tmux_socket);
  const { pane } = await findPane(server, params.agent_session);
  const words = `Job for you: ${cleanLine(job.record.prompt_preview, SHOWN_CHARS)} - when done: mam done ${job.id}`;
  const seen = await showMessage(server, pane.session, words);
  return `${listed}; shown to ${counted(seen, 'client')} of session ${pane.session}`;
}
