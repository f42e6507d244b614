import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSession } from '../job/record.ts';
import { exists } from '../processes.ts';

/** What a server wrote about itself when its client was ready (`src/mcp/announce.ts`). */
interface Announcement {
  pid: number;
  pids: number[];
  pane?: string;
  socket?: string;
}

/**
 * Whether an MCP server of ours has announced itself from a pane.
 * @param folder the folder of announcements
 * @param panePid the pane's first process, which must be an ancestor: TMUX_PANE alone proves nothing
 */
export function peerServer(folder: string, session: AgentSession, panePid: number): 'connected' | 'unknown' {
  return announcements(folder).some(
    ({ pid, pids, pane, socket }) =>
      (pane === undefined || (pane === session.pane && socket === session.socket)) &&
      pids.includes(panePid) &&
      exists(pid),
  )
    ? 'connected'
    : 'unknown';
}

function announcements(folder: string): Announcement[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const value = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Announcement;
      return Array.isArray(value.pids) ? [value] : [];
    } catch {
      // Half written, or removed between the two looks.
      return [];
    }
  });
}
