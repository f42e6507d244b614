import { MamError } from '../errors.ts';
import type { AgentSession } from '../job/record.ts';
import type { StopParams } from '../job/request.ts';
import { findPane } from '../tmux/pane.ts';
import { STARTED_OPTION } from './agent-list.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { TmuxServers } from './tmux-servers.ts';

/**
 * Ends an agent session that we started, and no other.
 * @throws MamError `not_found`, `refused` for a session that somebody else started, `conflict` while it has open jobs
 */
export async function stopAgent(
  servers: TmuxServers,
  dispatcher: Dispatcher,
  { tmux_socket: socket, name }: StopParams,
): Promise<AgentSession> {
  const server = servers.get(socket);
  const { pane } = await findPane(server, name);
  const [kind = ''] = await server.command(`display-message -p -t ${pane.pane} '#{${STARTED_OPTION}}'`);
  if (kind === '') {
    throw new MamError(
      'refused',
      `Session ${pane.session} was not started by this program, so it is not ended.`,
      `End it yourself: attach and leave the agent, or tmux kill-session -t '=${pane.session}'.`,
    );
  }
  const [job] = dispatcher.ahead(socket, pane.pane);
  if (job !== undefined) {
    throw new MamError(
      'conflict',
      `Session ${pane.session} has an open job: ${job.id} (${job.record.status}).`,
      'Wait for it, or cancel it first.',
    );
  }
  await server.command(`kill-pane -t ${pane.pane}`);
  return {
    socket,
    session: pane.session,
    window: pane.window,
    pane: pane.pane,
    session_created: pane.session_created,
  };
}
