import type { AgentRow } from '../../operations/agents.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import { type Look, preflight } from '../../tmux/deliver.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import { foreground, unseenAgent } from '../../tmux/process.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';

/** What the agent in a pane is doing, and what on the screen shows it. @throws MamError when tmux does not answer */
export async function paneState(
  server: TmuxServer,
  dispatcher: Dispatcher,
  pane: PaneInfo,
  look: Look,
): Promise<Pick<AgentRow, 'state' | 'evidence'>> {
  const process = pane.visible ? foreground(pane) : unseenAgent(pane);
  if (pane.dead || process === undefined) return { state: 'dead' };
  const target = { pane: pane.pane, pane_pid: pane.pane_pid, agent: process };
  const seen = await preflight({ server, target }, look);
  if ('gone' in seen) return { state: 'dead', evidence: seen.gone };
  const obstacle = await dispatcher.inTheWay(server.socketPath, target, look, seen);
  return obstacle === undefined ? { state: 'idle' } : { state: obstacle.by, evidence: obstacle.evidence };
}
