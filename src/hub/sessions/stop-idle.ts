import { explain, MamError } from '../../base/errors.ts';
import type { AgentPlace, IdleStop } from '../../operations/agents.ts';
import { listPanes, sessionOf } from '../../tmux/pane.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { endUnattended } from './agent-stop.ts';
import { kindIn, type Left, whyLeft } from './why-left.ts';

/** What each agent that mam has started on a tmux server, and that is idle and nobody's, comes to: ended, or why not. */
export async function stopIdle(
  hub: { servers: TmuxServers; dispatcher: Dispatcher },
  { tmux_socket: socket, configured }: AgentPlace,
): Promise<IdleStop> {
  const server = hub.servers.get(socket);
  const panes = await listPanes(server).catch((error: unknown): PaneInfo[] => {
    if (error instanceof MamError && error.code === 'not_found') return [];
    throw error;
  });
  const result: IdleStop = { stopped: [], left: [] };
  const seen = new Set<string>();
  for (const pane of panes) {
    // A linked window shows it twice.
    if (pane.started === undefined || seen.has(pane.pane)) continue;
    seen.add(pane.pane);
    const row = { agent: pane.started, session: sessionOf(pane, socket) };
    try {
      const left = await whyLeft(hub, socket, pane, kindIn(pane, configured));
      if (left === undefined && (await endUnattended(server, pane))) result.stopped.push(row);
      else result.left.push({ ...row, why: textOf(left) });
    } catch (error) {
      result.left.push({ ...row, why: `it cannot be looked at: ${explain(error)}` });
    }
  }
  return result;
}

function textOf(left: Left | undefined): string {
  if (left === undefined) return 'somebody has just attached to it';
  return left.evidence === undefined ? left.why : `${left.why} (${left.evidence})`;
}
