import type { TmuxServer } from './control.ts';
import { quote } from './quote.ts';

/** Who and what shares the sessions that show a pane. */
export interface Company {
  /** How many clients are attached to them. */
  clients: number;
  /** How many other panes they have. */
  panes: number;
  /** How many they are: more than one if its window is linked, or its session grouped. */
  sessions: number;
}

const FORMAT = '#{pane_id} #{session_id} #{session_attached}';

/** What shares the sessions of a pane. @throws MamError as `TmuxServer.command` */
export async function companyOf(server: TmuxServer, pane: string): Promise<Company> {
  const lines = await server.command(`list-panes -a -F ${quote(FORMAT)}`);
  const rows = lines.map((line) => line.split(' '));
  const clients = new Map(rows.filter(([id]) => id === pane).map(([, session, count]) => [session, count]));
  const others = rows.filter(([id, session]) => id !== pane && clients.has(session));
  return {
    clients: [...clients.values()].reduce((sum, count) => sum + Number(count), 0),
    panes: new Set(others.map(([id]) => id)).size,
    sessions: clients.size,
  };
}

/**
 * Ends a pane and what runs in it, unless somebody is attached or another program has its place by now: the test and the
 * end are one tmux command.
 * @returns true when it was ended @throws MamError as `TmuxServer.command`
 */
export async function killUnattended(
  server: TmuxServer,
  { pane, pane_pid: pid }: { pane: string; pane_pid: number },
): Promise<boolean> {
  const target = quote(pane);
  const condition = quote(`#{&&:#{==:#{pane_pid},${pid}},#{==:#{session_attached},0}}`);
  const end = quote(`display-message -p ENDED ; kill-pane -t ${target}`);
  const lines = await server.command(
    `if-shell -F -t ${target} ${condition} ${end} 'display-message -p LEFT'`,
  );
  return lines.includes('ENDED');
}
