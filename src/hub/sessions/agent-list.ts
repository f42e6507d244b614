import { builtIn, kindNames, layersOf, lookFor } from '../../agents/index.ts';
import type { Layered } from '../../agents/profiles.ts';
import { explain, MamError } from '../../base/errors.ts';
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

type Configured = NonNullable<AgentPlace['configured']>;
interface Hub {
  servers: TmuxServers;
  dispatcher: Dispatcher;
  folder: string;
  /** Of a session that was started for one job: that job, and why it is still there. */
  used: { at(socket: string, pane: string): Pick<AgentRow, 'made_for' | 'stays'> | undefined };
}

/** The agents on a tmux server, with what each is doing, and the kinds that can be started but are not running. */
export async function listAgents(hub: Hub, params: AgentPlace): Promise<AgentRow[]> {
  const live = await liveAgents(hub, params);
  return [...live, ...idleKinds(live, params)];
}

function idleKinds(live: AgentRow[], { configured = {}, path }: AgentPlace): AgentRow[] {
  return kindNames(configured).flatMap((name): AgentRow[] => {
    const { base, isProfile, own, broken } = knownAs(name, configured);
    const place = isProfile ? undefined : own.session?.replace(/^tmux:/, '');
    const runs = live.some(
      ({ agent, session }) => agent === name || (place !== undefined && session?.session === place),
    );
    const wanted = programOf(base, own);
    if (runs || (wanted === undefined && broken === undefined)) return [];
    const program = wanted === undefined ? undefined : findProgram(wanted, path);
    return [
      {
        ...identity({ agent: base, ...(isProfile && { profile: name }), about: own.about }),
        jobs: [],
        ...(program !== undefined && { program }),
        ...(broken !== undefined && { state: 'unusable', evidence: broken }),
      },
    ];
  });
}

/** What the configuration says about a kind, or why its profile can't be. */
function knownAs(name: string, configured: Configured): Layered & { broken?: string } {
  try {
    const known = layersOf(name, configured);
    const { unusable = '' }: Configured[string] = known.own;
    return { ...known, ...(unusable !== '' && { broken: unusable }) };
  } catch (error) {
    return { base: name, isProfile: false, layers: [], own: {}, broken: explain(error) };
  }
}

/** How an agent is named to whoever chooses one: by its profile, if it has one. */
function identity({
  agent: kind,
  profile,
  about,
}: {
  agent: string;
  profile?: string | undefined;
  about: string | undefined;
}): Pick<AgentRow, 'agent' | 'kind' | 'title' | 'about'> {
  return {
    agent: profile ?? kind,
    ...(profile !== undefined && { kind }),
    title: titleOf(kind),
    ...(about !== undefined && { about }),
  };
}

function titleOf(kind: string): string {
  return builtIn(kind)?.title ?? kind;
}

async function liveAgents(
  { servers, dispatcher, folder, used }: Hub,
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
      const { profile } = pane;
      const { own } = knownAs(profile ?? agent, configured);
      const look = lookFor({ agent, typing: job?.record.typing ?? own, job_id: 'none' });
      return [
        {
          ...identity({ agent, profile, about: own.about }),
          session,
          ...heldBy(job?.record, await paneState(server, dispatcher, pane, look)),
          jobs: jobs.map((job) => job.id),
          peer_server: peer,
          started_by_us: pane.started !== undefined,
          ...used.at(socket, pane.pane),
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
