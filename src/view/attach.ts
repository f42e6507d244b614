import { shellWord } from '../base/shell.ts';
import type { JobHome } from '../job/home.ts';
import type { AgentSession } from '../job/record.ts';

export interface Standpoint {
  /** Socket of the tmux server that they are in. */
  inside?: string | undefined;
  /** The socket in their settings, and its name for `tmux -L` if it has one. */
  tmuxSocket: string;
  tmuxServerName?: string | undefined;
  /** The other machines, with the destinations of those that are reached over ssh. */
  hosts?: Readonly<Record<string, { ssh?: string | undefined }>> | undefined;
}

/** A session, by its name and its tmux server's socket ('' for the default one of another machine), or one of its panes, by an id that survives renaming. */
export type AttachTarget = Pick<AgentSession, 'session' | 'socket'> &
  Partial<Pick<AgentSession, 'pane' | 'session_created'>>;

/** A job, as far as it says where its agent is. */
interface Placed {
  job_id?: string | undefined;
  agent_session?: AttachTarget | undefined;
  home?: JobHome | undefined;
}

/** The command that shows a person an agent's pane or a session; inside the same tmux server, it switches there. */
export function attachCommand(session: AttachTarget, from: Standpoint): string {
  return ['tmux', ...attachWords(session, from)].map(shellWord).join(' ');
}

/** Returns the command for a job's agent, if it has a pane. */
export function attacher(from: Standpoint): (job: Placed) => string | undefined {
  return ({ job_id, agent_session: session, home }) => {
    if (session === undefined || home === undefined) return session && attachCommand(session, from);
    const words = sshWords(session, from.hosts?.[home.host]?.ssh);
    return words?.map(shellWord).join(' ') ?? `mam attach ${job_id} # on ${home.host}`;
  };
}

/** What shows a session of this machine or another one; where there is no ssh to that one, it says where to type it. */
export function attachAt(host: string | undefined, session: AttachTarget, from: Standpoint): string {
  if (host === undefined) return attachCommand(session, from);
  const words = sshWords(session, from.hosts?.[host]?.ssh);
  return words?.map(shellWord).join(' ') ?? `${attachCommand(session, { tmuxSocket: '' })} # on ${host}`;
}

/**
 * The command that shows a pane of another machine, as a list of words.
 * @param destination for ssh; without one, there is no such command
 */
export function sshWords(session: AttachTarget, destination: string | undefined): string[] | undefined {
  if (destination === undefined) return undefined;
  // The shell there splits it again.
  const words = ['tmux', ...attachWords(session, { tmuxSocket: '' })].map(shellWord).join(' ');
  return ['ssh', '-t', '--', destination, words];
}

export function attachWords(session: AttachTarget, from: Standpoint): string[] {
  const target = session.pane ?? `=${session.session}`;
  if (from.inside === session.socket) return ['switch-client', '-t', target];
  const named = from.tmuxServerName !== undefined && from.tmuxSocket === session.socket;
  const server = named ? ['-L', from.tmuxServerName ?? ''] : ['-S', session.socket];
  return [...(session.socket === '' ? [] : server), 'attach', '-t', target];
}
