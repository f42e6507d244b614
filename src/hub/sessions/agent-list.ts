import { builtIn, kindNames, lookFor } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { findProgram } from '../../base/find-program.ts';
import type { JobRecord } from '../../job/record.ts';
import type { AgentPlace, AgentRow } from '../../operations/agents.ts';
import { peerServer } from '../../registry/announcements.ts';
import { listPanes, sessionOf } from '../../tmux/pane.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import { agentIn } from '../panes/pane-agent.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { programOf } from './agent-program.ts';
import { paneState } from './pane-state.ts';

type Hub = { servers: TmuxServers; dispatcher: Dispatcher; folder: string };

/** The agents on a tmux server, with what each is doing, and the kinds that can be started but are not running. */
export async function listAgents(hub: Hub, params: AgentPlace): Promise<AgentRow[]> {
  const live = await liveAgents(hub, params);
  return [...live, ...idleKinds(live, params)];
}

function idleKinds(live: AgentRow[], { configured = {}, path }: AgentPlace): AgentRow[] {
  return kindNames(configured).flatMap((name): AgentRow[] => {
    const own = Object.hasOwn(configured, name) ? configured[name] : undefined;
    const place = own?.session?.replace(/^tmux:/, '');
    const runs = live.some(
      ({ agent, session }) => agent === name || (place !== undefined && session?.session === place),
    );
    const wanted = programOf(name, own);
    if (runs || wanted === undefined) return [];
    const program = findProgram(wanted, path);
    return [{ agent: name, title: titleOf(name), jobs: [], ...(program !== undefined && { program }) }];
  });
}

function titleOf(kind: string): string {
  return builtIn(kind)?.title ?? kind;
}

async function liveAgents(
  { servers, dispatcher, folder }: Hub,
  { tmux_socket: socket, configured = {} }: AgentPlace,
): Promise<AgentRow[]> {
  const server = servers.get(socket);
  const panes = await listPanes(server).catch((error: unknown): PaneInfo[] => {
    if (error instanceof MamError && error.code === 'not_found') return [];
    throw error;
  });
  const rows = await Promise.all(
    panes.map(async (pane): Promise<AgentRow[]> => {
      const jobs = dispatcher.ahead(socket, pane.pane);
      const session = sessionOf(pane, socket);
      const peer = peerServer(folder, session, pane.pane_pid);
      const [job] = jobs;
      const found = agentIn(pane, { hasNeighbour: hasNeighbour(pane, panes), job, configured });
      if (found === undefined && peer === 'unknown') return [];
      const agent = found ?? 'command';
      const look = lookFor({ agent, typing: job?.record.typing ?? configured[agent], job_id: 'none' });
      return [
        {
          agent,
          title: titleOf(agent),
          session,
          ...heldBy(job?.record, await paneState(server, dispatcher, pane, look)),
          jobs: jobs.map((job) => job.id),
          peer_server: peer,
          started_by_us: pane.started !== undefined,
        },
      ];
    }),
  );
  return rows.flat();
}

/** An agent with an open job is busy, even while its screen is idle. */
function heldBy(job: JobRecord | undefined, seen: Pick<AgentRow, 'state' | 'evidence'>): typeof seen {
  if (seen.state !== 'idle' || job === undefined) return seen;
  const why = job.reason === undefined ? '' : ` (${job.reason})`;
  return { state: 'busy', evidence: `job ${job.job_id} is ${job.status}${why}` };
}

/** True if an agent that we have started runs in another pane of the session. */
function hasNeighbour({ pane, session }: PaneInfo, panes: readonly PaneInfo[]): boolean {
  return panes.some((one) => one.session === session && one.pane !== pane && one.started !== undefined);
}
