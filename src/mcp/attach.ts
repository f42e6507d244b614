import type { AgentSession } from '../job/record.ts';
import type { Caller, EngineSettings } from './tool.ts';

/** What a person types to look at an agent session; inside the same tmux server, what switches to it. */
export function attachCommand(session: AgentSession, caller: Caller, settings: EngineSettings): string {
  const target = `-t ${quote(`=${session.session}`)}`;
  if (caller.socket === session.socket) return `tmux switch-client ${target}`;
  const named = settings.tmuxServerName !== undefined && settings.tmuxSocket === session.socket;
  const server = named ? `-L ${quote(settings.tmuxServerName ?? '')}` : `-S ${quote(session.socket)}`;
  return `tmux ${server} attach ${target}`;
}

/** A word for the shell. */
function quote(word: string): string {
  return /^[\w@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
