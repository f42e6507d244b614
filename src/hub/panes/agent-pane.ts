import type { JobRecord } from '../../job/record.ts';
import { type Place, pressKey, type Shown } from '../../tmux/deliver.ts';
import { type Shot, shoot } from '../../tmux/screen.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** The pane of a job's agent. */
export interface AgentPane {
  /** @returns its screen, if the pane exists @throws MamError when tmux does not answer */
  look(): Promise<Pick<Shot, 'lines' | 'dead'> | undefined>;
  /** Presses a key if the screen shows what it must. @returns why it was not pressed */
  press(key: string, shown: Shown): Promise<string | undefined>;
}

/** The pane of a job; undefined for a job without one. */
export function agentPane(servers: TmuxServers, record: JobRecord): AgentPane | undefined {
  const { agent_session: session } = record;
  if (session === undefined) return undefined;
  const place = placeOf(servers, record);
  const { socket, pane } = session;
  return {
    look: () => shoot(servers.get(socket), pane),
    press: async (key, shown) =>
      place ? pressKey(place, key, shown) : 'it is not known which program would get it',
  };
}

/** Where a job's agent runs; undefined for a job without a known agent. */
export function placeOf(
  servers: TmuxServers,
  { agent_session: session, agent_process: agent }: Pick<JobRecord, 'agent_session' | 'agent_process'>,
): Place | undefined {
  if (session === undefined || agent === undefined) return undefined;
  const target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
  return { server: servers.get(session.socket), target };
}
