import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { lifeOf } from '../../base/process-id.ts';
import { ancestors, commandLineOf, family, foregroundGroup } from '../../base/processes.ts';
import { cleanLine } from '../../base/text.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import { listPanes, type PaneInfo } from '../../tmux/pane.ts';
import { isShell } from '../../tmux/process.ts';
import { outOfReach } from '../../tmux/server-life.ts';
import type { TmuxServers } from './tmux-servers.ts';

type Agent = NonNullable<JobRecord['agent_process']>;
/** Where it lives. */
type Place = Pick<AgentSession, 'socket' | 'session' | 'pane'>;

/** How a job's agent stands: all is well, it is lost, it may live and can't be reached, or nobody could tell just now. */
export type Standing = 'there' | 'unclear' | { lost: string } | { outOfReach: string };

/**
 * Looks whether a job's agent is lost. Only what is seen counts: a pane that is gone from its own tmux server, a dead
 * pane, a process that has ended. That something is not found, such as a socket's file or a process of another pid
 * namespace, proves nothing.
 */
export async function standingOf(
  servers: TmuxServers,
  {
    agent_session: session,
    agent_process: agent,
  }: { agent_session?: Place | undefined; agent_process?: Agent | undefined },
): Promise<Standing> {
  if (session === undefined) return 'there';
  const server = servers.get(session.socket);
  let panes: PaneInfo[];
  let ended: boolean;
  try {
    ended = hasEnded(agent);
    panes = await listPanes(server);
    if (!ended && hasEnded(agent)) {
      // It ended while the list was made: only a list from after its end says whether the pane went with it.
      ended = true;
      panes = await listPanes(server);
    }
  } catch (error) {
    if (!(error instanceof MamError)) return 'unclear';
    if (error.code === 'not_found') return withoutServer(session, agent);
    return error.hint === '' ? 'unclear' : { outOfReach: `${error.message} ${error.hint}` };
  }
  return among(panes, session, agent, { ended, server: server.pid });
}

function hasEnded(agent: Agent | undefined): boolean {
  return agent !== undefined && lifeOf(agent) === 'gone';
}

/** No server was found at the socket. */
function withoutServer(session: Place, agent: Agent | undefined): Standing {
  const { pane, session: name, socket } = session;
  const lost = { lost: `Pane ${pane} of session ${name} is gone: no tmux server runs at ${socket}.` };
  if (agent === undefined || hasEnded(agent)) return lost;
  if (lifeOf(agent) === 'unknown') return existsSync(socket) ? lost : { outOfReach: unseen(socket) };
  const above = tmuxAbove(agent);
  if (above === undefined) return lost;
  const { message, hint } = outOfReach(socket, above);
  return { outOfReach: `${message} ${hint}` };
}

function unseen(socket: string): string {
  return `The tmux socket ${socket} is not there, and whether its server lives cannot be seen from the container (pid namespace) that the hub runs in. Where tmux runs, \`kill -USR1\` of the tmux server's process makes the socket again.`;
}

/**
 * @param seen.ended whether the agent had ended before the list was made
 * @param seen.server the process that answers at the socket now
 */
function among(
  panes: PaneInfo[],
  { pane: id, session, socket }: Place,
  agent: Agent | undefined,
  { ended, server }: { ended: boolean; server: number | undefined },
): Standing {
  const pane = panes.find(
    (one) => one.pane === id && (agent === undefined || one.pane_pid === agent.pane_pid),
  );
  if (pane !== undefined && !pane.dead) {
    if (agent === undefined || !ended) return 'there';
    return { lost: `The agent in pane ${id} has ended (process ${agent.pid})${inFront(pane, agent.pid)}.` };
  }
  if (pane !== undefined) return { lost: `The program in pane ${id} has ended; the pane is dead.` };
  const above = agent === undefined || lifeOf(agent) !== 'alive' ? undefined : tmuxAbove(agent);
  if (above !== undefined && above !== server)
    return {
      outOfReach: `The agent lives (process ${agent?.pid}), in a tmux server (process ${above}) whose socket ${socket} another server has taken. \`kill -USR1 ${above}\` gives it the socket back, and takes it from the other one.`,
    };
  const taken = panes.find((one) => one.pane === id);
  return taken === undefined || agent === undefined
    ? { lost: `Pane ${id} of session ${session} is gone.` }
    : { lost: `The agent in pane ${id} has ended (process ${agent.pid})${inFront(taken, agent.pid)}.` };
}

/** The tmux server that a living agent's pane belongs to: what has started the first process in it. */
function tmuxAbove({ pid, pane_pid: first }: Agent): number | undefined {
  const line = [pid, ...ancestors(pid)];
  const at = line.indexOf(first);
  const parent = at < 0 ? undefined : line[at + 1];
  const isTmux = parent !== undefined && /tmux/.test(commandLineOf(parent)?.[0] ?? '');
  return isTmux ? parent : undefined;
}

/** What has the pane after its agent, by the system: tmux goes on naming what has ended for a moment. */
function inFront({ pane_pid }: PaneInfo, ended: number): string {
  const front = foregroundGroup(pane_pid);
  const names = family(pane_pid).find(({ pid }) => pid === front && pid !== ended)?.names;
  if (names === undefined) return '';
  return names.some(isShell)
    ? '; a shell is in the pane now'
    : `; ${cleanLine(names[0] ?? '', 60)} is in the pane now`;
}
