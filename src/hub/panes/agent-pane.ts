import type { JobRecord } from '../../job/record.ts';
import { pressKey, type Shown } from '../../tmux/deliver.ts';
import { type Shot, shoot } from '../../tmux/screen.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** The pane of a job's agent. */
export interface AgentPane {
  /** @returns its screen; nothing when the pane is gone. @throws what tmux says when it can't be asked */
  look(): Promise<Pick<Shot, 'lines' | 'dead'> | undefined>;
  /** Presses a key, only while the screen shows what it must. @returns why it was not pressed */
  press(key: string, shown: Shown): Promise<string | undefined>;
}

/** The pane that a job's agent has; nothing for a job without one. */
export function agentPane(
  servers: TmuxServers,
  { agent_session: session, agent_process: agent }: JobRecord,
): AgentPane | undefined {
  if (session === undefined) return undefined;
  const { socket, pane } = session;
  return {
    look: () => shoot(servers.get(socket), pane),
    press: async (key, shown) =>
      agent === undefined
        ? 'which program it would reach is not known'
        : pressKey(servers.get(socket), { pane, pane_pid: agent.pane_pid, agent }, key, shown),
  };
}
