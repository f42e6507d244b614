import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../base/folders.ts';
import { parseObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { isOurNamespace } from '../base/process-id.ts';
import { isRunning } from '../base/processes.ts';
import type { AgentSession } from '../job/record.ts';

/** What a server wrote about itself when its client was ready (`src/mcp/announce.ts`). */
interface Announcement {
  pid: number;
  /** When it started; older servers do not write it. */
  start?: string;
  /** The pid namespace of the ids. */
  ns?: string;
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
  const isThere = namesIn(folder).some((name) => {
    const { pid, start, ns, pids, pane, socket } = read(join(folder, name));
    const isHere = pane === undefined || (pane === session.pane && socket === session.socket);
    return isOurNamespace(ns) && isHere && Array.isArray(pids) && pids.includes(panePid) && lives(pid, start);
  });
  return isThere ? 'connected' : 'unknown';
}

/** The files that killed servers left behind. @param folder as above */
export function leftAnnouncements(folder: string): string[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const pid = Number(/^(\d+)\.json$/.exec(name)?.[1]);
    const { start, ns } = read(path);
    return pid > 0 && isOurNamespace(ns) && !lives(pid, start) ? [path] : [];
  });
}

export function sweepAnnouncements(folder: string): void {
  for (const path of leftAnnouncements(folder)) rmSync(path, { force: true });
}

/** By now another process may have the same pid. */
function lives(pid: number | undefined, start: string | undefined): boolean {
  return pid !== undefined && isRunning(pid, start ?? '');
}

/** Empty for a file that is half written, or that was removed since it was listed. */
function read(path: string): Partial<Announcement> {
  return parseObject(orElse(() => readFileSync(path, 'utf8'), ''));
}
