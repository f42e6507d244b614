import { builtIn, isTrusted, KINDS, screenOf } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { findProgram } from '../../base/find-program.ts';
import type { JobRecord } from '../../job/record.ts';
import type { AgentPlace, AgentRow } from '../../operations/agents.ts';
import { peerServer } from '../../registry/announcements.ts';
import { preflight } from '../../tmux/deliver.ts';
import { listPanes, type PaneInfo, sessionOf } from '../../tmux/pane.ts';
import { foreground, unseenAgent } from '../../tmux/process.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import { agentIn } from '../panes/pane-agent.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { programOf } from './agent-program.ts';

/** The agents that live on a tmux server, with what each is doing, and the kinds that could be and none of them is. */
export async function listAgents(
  hub: { servers: TmuxServers; dispatcher: Dispatcher; folder: string },
  params: AgentPlace,
): Promise<AgentRow[]> {
  const live = await liveAgents(hub, params);
  return [...live, ...idleKinds(live, params)];
}

/** The kinds, built in and configured, that it is known how to start and that nothing runs. */
function idleKinds(live: AgentRow[], { configured = {}, path }: AgentPlace): AgentRow[] {
  const names = new Set([...KINDS.map(({ name }) => name), ...Object.keys(configured)]);
  return [...names].flatMap((name): AgentRow[] => {
    const kind = builtIn(name);
    const own = Object.hasOwn(configured, name) ? configured[name] : undefined;
    const runs = live.some(
      ({ agent, session }) =>
        agent === name ||
        (own?.session !== undefined && session?.session === own.session.replace(/^tmux:/, '')),
    );
    const wanted = programOf(name, own);
    if (runs || wanted === undefined) return [];
    const program = findProgram(wanted, path);
    return [{ agent: name, title: kind?.title ?? name, jobs: [], ...(program !== undefined && { program }) }];
  });
}

async function liveAgents(
  { servers, dispatcher, folder }: { servers: TmuxServers; dispatcher: Dispatcher; folder: string },
  { tmux_socket: socket, configured = {} }: AgentPlace,
): Promise<AgentRow[]> {
  const server = servers.get(socket);
  let panes: PaneInfo[];
  try {
    panes = await listPanes(server);
  } catch (error) {
    if (error instanceof MamError && error.code === 'not_found') return [];
    throw error;
  }
  const rows = await Promise.all(
    panes.map(async (pane): Promise<AgentRow[]> => {
      const jobs = dispatcher.ahead(socket, pane.pane);
      const session = sessionOf(pane, socket);
      const peer = peerServer(folder, session, pane.pane_pid);
      const agent = agentIn(pane, {
        mark: pane.started,
        hasNeighbour: hasNeighbour(pane, panes),
        job: jobs[0],
        configured,
      });
      if (agent === undefined && peer === 'unknown') return [];
      const name = agent ?? 'command';
      return [
        {
          agent: name,
          title: builtIn(name)?.title ?? name,
          session,
          ...heldBy(
            jobs[0]?.record,
            await stateOf(
              { servers, dispatcher },
              pane,
              socket,
              name,
              jobs[0]?.record.typing ?? configured[name],
            ),
          ),
          jobs: jobs.map((job) => job.id),
          peer_server: peer,
          started_by_us: pane.started !== undefined,
        },
      ];
    }),
  );
  return rows.flat();
}

/** An agent with an open job is not free for another one, however still its screen is. */
function heldBy(job: JobRecord | undefined, seen: Pick<AgentRow, 'state' | 'evidence'>): typeof seen {
  if (seen.state !== 'idle' || job === undefined) return seen;
  const why = job.reason === undefined ? '' : ` (${job.reason})`;
  return { state: 'busy', evidence: `job ${job.job_id} is ${job.status}${why}` };
}

/** True where an agent that we have started lives in another pane of the session. */
function hasNeighbour({ pane, session }: PaneInfo, panes: readonly PaneInfo[]): boolean {
  return panes.some((one) => one.session === session && one.pane !== pane && one.started !== undefined);
}

async function stateOf(
  { servers, dispatcher }: { servers: TmuxServers; dispatcher: Dispatcher },
  pane: PaneInfo,
  socket: string,
  agent: string,
  typing: Parameters<typeof screenOf>[1],
): Promise<Pick<AgentRow, 'state' | 'evidence'>> {
  const process = pane.visible ? foreground(pane) : unseenAgent(pane);
  if (pane.dead || process === undefined) return { state: 'dead' };
  const kind = builtIn(agent);
  const look = {
    patterns: screenOf(agent, typing),
    settleMs: 0,
    needle: 'none',
    submitKey: kind?.submitKey ?? 'Enter',
    isAgent: kind?.isProcess,
    isTrusted: isTrusted(typing),
  };
  const target = { pane: pane.pane, pane_pid: pane.pane_pid, agent: process };
  const seen = await preflight(servers.get(socket), target, look);
  if ('gone' in seen) return { state: 'dead', evidence: seen.gone };
  const obstacle = await dispatcher.inTheWay(socket, target, look, seen);
  return obstacle === undefined ? { state: 'idle' } : { state: obstacle.by, evidence: obstacle.evidence };
}
