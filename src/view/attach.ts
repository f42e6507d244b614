import { shellWord } from '../base/shell.ts';
import type { AgentSession } from '../job/record.ts';

export interface Standpoint {
  /** Socket of the tmux server that they are in. */
  inside?: string | undefined;
  /** The socket in their settings, and its name for `tmux -L` if it has one. */
  tmuxSocket: string;
  tmuxServerName?: string | undefined;
}

/** A session, by its name and its tmux server's socket, or one of its panes, by an id that survives renaming. */
export type AttachTarget = Pick<AgentSession, 'session' | 'socket'> &
  Partial<Pick<AgentSession, 'pane' | 'session_created'>>;

/** The command that shows a person an agent's pane or a session; inside the same tmux server, it switches there. */
export function attachCommand(session: AttachTarget, from: Standpoint): string {
  return ['tmux', ...attachWords(session, from)].map(shellWord).join(' ');
}

/** Returns the command for a job's agent, if it has a pane. */
export function attacher(
  from: Standpoint,
): (job: { agent_session?: AttachTarget | undefined }) => string | undefined {
  return ({ agent_session: session }) => session && attachCommand(session, from);
}

export function attachWords(session: AttachTarget, from: Standpoint): string[] {
  const target = session.pane ?? `=${session.session}`;
  if (from.inside === session.socket) return ['switch-client', '-t', target];
  const named = from.tmuxServerName !== undefined && from.tmuxSocket === session.socket;
  const server = named ? ['-L', from.tmuxServerName ?? ''] : ['-S', session.socket];
  return [...server, 'attach', '-t', target];
}
