import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../base/folders.ts';
import { isOurNamespace } from '../base/process-id.ts';
import { isRunning } from '../base/processes.ts';
import type { AgentSession } from '../job/record.ts';

/** What a server wrote about itself when its client was ready (`src/mcp/announce.ts`). */
interface Announcement {
  pid: number;
  /** When it started; an older server did not say it. */
  start?: string;
  /** The pid namespace that the ids count in. */
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
  return announcements(folder).some(
    ({ pid, start, ns, pids, pane, socket }) =>
      isOurNamespace(ns) &&
      (pane === undefined || (pane === session.pane && socket === session.socket)) &&
      pids.includes(panePid) &&
      lives(pid, start),
  )
    ? 'connected'
    : 'unknown';
}

/** The files that servers which were killed have left. @param folder as above */
export function leftAnnouncements(folder: string): string[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const pid = Number(/^(\d+)\.json$/.exec(name)?.[1]);
    const { start, ns } = read(path) ?? {};
    return pid > 0 && isOurNamespace(ns) && !lives(pid, start) ? [path] : [];
  });
}

/** Removes them. */
export function sweepAnnouncements(folder: string): void {
  for (const path of leftAnnouncements(folder)) rmSync(path, { force: true });
}

/** Its number alone may be another process's by now. */
function lives(pid: number, start: string | undefined): boolean {
  return isRunning(pid, start ?? '');
}

function announcements(folder: string): Announcement[] {
  return namesIn(folder).flatMap((name) => {
    const value = read(join(folder, name));
    return Array.isArray(value?.pids) ? [value] : [];
  });
}

function read(path: string): Announcement | undefined {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as Announcement | null) ?? undefined;
  } catch {
    // Half written, or removed between the two looks.
    return undefined;
  }
}
