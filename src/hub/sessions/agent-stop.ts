import { setTimeout as sleep } from 'node:timers/promises';
import { MamError } from '../../base/errors.ts';
import { identify, isAlive, type ProcessId } from '../../base/process-id.ts';
import { descendants } from '../../base/processes.ts';
import { inQuotes } from '../../base/shell.ts';
import type { AgentSession } from '../../job/record.ts';
import type { StopParams } from '../../operations/agents.ts';
import { killPane } from '../../tmux/commands.ts';
import { killUnattended } from '../../tmux/company.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import { findPane, listPanes, otherHost, sessionOf } from '../../tmux/pane.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

/** How long (ms) an agent has to end by itself, and again after a signal. */
const END_TIMEOUT_MS = 1_500;
const END_POLL_MS = 30;

/**
 * Ends an agent session that we started, and no other.
 * @throws MamError `not_found`, `refused` for a session that someone else started, `conflict` while it has open jobs
 */
export async function stopAgent(
  servers: TmuxServers,
  dispatcher: Dispatcher,
  { tmux_socket: socket, name }: StopParams,
): Promise<AgentSession> {
  const server = servers.get(socket);
  const { pane } = await findPane(server, name).catch(async (error: unknown) => {
    if (!(error instanceof MamError) || error.code !== 'not_found') throw error;
    const panes = await listPanes(server).catch(() => []);
    const ours = panes.filter(({ started }) => started !== undefined).map(({ session }) => session);
    const which = ours.length === 0 ? 'No agent started by mam is running' : 'Agents started by mam: ';
    const step = `${which}${ours.join(', ')}. Call list_agents (\`mam agents\`) for all of them.`;
    throw new MamError(
      'not_found',
      `There is no session ${name.replace(/^tmux:/, '')}.`,
      step + otherHost(name),
    );
  });
  if (pane.started === undefined) {
    throw new MamError(
      'refused',
      `The program in session ${pane.session} was not started by mam, so it is not ended.`,
      `End it yourself: attach and leave the agent, or tmux -S ${inQuotes(socket)} kill-session -t ${inQuotes(`=${pane.session}`)}.`,
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
  await withFamily(pane, () => killPane(server, pane.pane).then(() => true));
  return sessionOf(pane, socket);
}

/**
 * Ends the agent in a pane if nobody is attached and the pane still has its process.
 * @returns false when it was left @throws MamError when tmux does not answer
 */
export async function endUnattended(server: TmuxServer, pane: PaneInfo): Promise<boolean> {
  return withFamily(pane, () => killUnattended(server, pane));
}

/** Ends a pane, then what its program has left behind. @param end false: it was left */
async function withFamily(
  { visible, pane_pid: pid }: PaneInfo,
  end: () => Promise<boolean>,
): Promise<boolean> {
  // In another pid namespace the same ids are other processes.
  const left = visible ? [pid, ...descendants(pid)].map(identify) : [];
  if (!(await end())) return false;
  await endAll(left);
  return true;
}

/** Ends processes that an agent has left behind (Gemini CLI 0.61.0 outlives its pane), known by id and start time. */
async function endAll(processes: readonly ProcessId[]): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const end = performance.now() + END_TIMEOUT_MS; performance.now() < end; await sleep(END_POLL_MS)) {
      if (!processes.some(isAlive)) return;
    }
    for (const one of processes.filter(isAlive)) process.kill(one.pid, signal);
  }
}
