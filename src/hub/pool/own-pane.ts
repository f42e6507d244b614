import { MamError } from '../../base/errors.ts';
import type { JobRecord } from '../../job/record.ts';
import { listPanes } from '../../tmux/pane.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import { standingOf } from '../panes/losses.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

/**
 * The pane of the session that was started for a job alone, if it still has the process that was started there.
 * @returns `gone` only when that is seen; `unclear` when tmux can't say
 */
export async function ownPane(
  servers: TmuxServers,
  record: JobRecord,
): Promise<{ pane: PaneInfo; socket: string } | 'gone' | 'unclear'> {
  const { agent_session: known, agent_process: process, new_session: own } = record;
  const socket = known?.socket ?? own?.socket;
  if (socket === undefined) return 'gone';
  let panes: PaneInfo[];
  try {
    panes = await listPanes(servers.get(socket));
  } catch (error) {
    if (!(error instanceof MamError) || error.code !== 'not_found') return 'unclear';
    panes = [];
  }
  const pane = panes.find((one) =>
    known === undefined
      ? // Its hub was killed while it started it. No other session has its name and our mark.
        one.session === own?.name && one.started !== undefined
      : one.pane === known.pane && one.pane_pid === process?.pane_pid,
  );
  if (pane !== undefined) return { pane, socket };
  if (known === undefined) return 'gone';
  const standing = await standingOf(servers, record);
  return typeof standing === 'object' && 'lost' in standing ? 'gone' : 'unclear';
}
