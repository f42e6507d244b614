import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { lifeOf } from '../../base/process-id.ts';
import { ancestors, commandLineOf, family, foregroundGroup } from '../../base/processes.ts';
import { cleanLine } from '../../base/text.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import { listPanes } from '../../tmux/pane.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import { isShell } from '../../tmux/process.ts';
import { outOfReach } from '../../tmux/server-life.ts';
import type { TmuxServers } from './tmux-servers.ts';

type Agent = NonNullable<JobRecord['agent_process']>;
type Place = Pick<AgentSession, 'socket' | 'session' | 'pane'>;

/** The state of a job's agent: there, lost, perhaps alive but out of reach, or unclear for now. */
export type Standing = 'there' | 'unclear' | { lost: string } | { outOfReach: string };

/**
 * Checks whether a job's agent is lost. Only what is seen counts: a pane that is gone from its own tmux server, a dead
 * pane, a process that has ended. Something that is not found, such as a socket file or a process of another pid
 * namespace, proves nothing.
 */
export async function standingOf(
  servers: TmuxServers,
  record: { agent_session?: Place | undefined; agent_process?: Agent | undefined },
): Promise<Standing> {
  const { agent_session: session, agent_process: agent } = record;
  if (session === undefined) return 'there';
  const server = servers.get(session.socket);
  try {
    let ended = hasEnded(agent);
    let panes = await listPanes(server);
    if (!ended && hasEnded(agent)) {
      // It ended while the list was made: only a list from after its end says whether the pane went with it.
      ended = true;
      panes = await listPanes(server);
    }
    return among(panes, session, agent, { ended, server: server.pid });
  } catch (error) {
    if (!(error instanceof MamError)) return 'unclear';
    if (error.code === 'not_found') return withoutServer(session, agent);
    return error.hint === '' ? 'unclear' : { outOfReach: `${error.message} ${error.hint}` };
  }
}

function hasEnded(agent: Agent | undefined): boolean {
  return agent !== undefined && lifeOf(agent) === 'gone';
}

function withoutServer(session: Place, agent: Agent | undefined): Standing {
  const { pane, session: name, socket } = session;
  const lost = { lost: `Pane ${pane} of session ${name} is gone: no tmux server is running at ${socket}.` };
  if (agent === undefined || hasEnded(agent)) return lost;
  if (lifeOf(agent) === 'unknown') return existsSync(socket) ? lost : { outOfReach: unseen(socket) };
  const above = tmuxAbove(agent);
  if (above === undefined) return lost;
  const { message, hint } = outOfReach(socket, above);
  return { outOfReach: `${message} ${hint}` };
}

function unseen(socket: string): string {
  return `The tmux socket ${socket} is not there, and the container (pid namespace) that the hub runs in does not show whether its server is alive. Where tmux runs, \`kill -USR1\` to the tmux server's process recreates the socket.`;
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
    return agent && ended ? hasLeft(agent, pane) : 'there';
  }
  if (pane !== undefined) return { lost: `The program in pane ${id} has ended; the pane is dead.` };
  const above = agent === undefined || lifeOf(agent) !== 'alive' ? undefined : tmuxAbove(agent);
  if (above !== undefined && above !== server)
    return {
      outOfReach: `The agent is alive (process ${agent?.pid}), in a tmux server (process ${above}) whose socket ${socket} another server has taken. \`kill -USR1 ${above}\` returns the socket to it, and takes it from the other one.`,
    };
  const taken = panes.find((one) => one.pane === id);
  return agent && taken ? hasLeft(agent, taken) : { lost: `Pane ${id} of session ${session} is gone.` };
}

function hasLeft({ pid }: Agent, pane: PaneInfo): Standing {
  return { lost: `The agent in pane ${pane.pane} has ended (process ${pid})${inFront(pane, pid)}.` };
}

/** The tmux server of a living agent's pane: the parent of the pane's first process. */
function tmuxAbove({ pid, pane_pid: first }: Agent): number | undefined {
  const line = [pid, ...ancestors(pid)];
  const [, parent] = line.includes(first) ? line.slice(line.indexOf(first)) : [];
  const isTmux = parent !== undefined && /tmux/.test(commandLineOf(parent)?.[0] ?? '');
  return isTmux ? parent : undefined;
}

/** What has the pane after its agent, by the system: tmux goes on naming an ended program for a short time. */
function inFront({ pane_pid }: PaneInfo, ended: number): string {
  const front = foregroundGroup(pane_pid);
  const names = family(pane_pid).find(({ pid }) => pid === front && pid !== ended)?.names;
  if (names === undefined) return '';
  const name = names.some(isShell) ? 'a shell' : cleanLine(names[0] ?? '', 60);
  return `; ${name} is in the pane now`;
}
