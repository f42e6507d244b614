import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Settings } from '../config.ts';
import type { Caller, Client } from './tool.ts';

/** Deeper than any client starts its servers. */
const MAX_ANCESTORS = 12;
const PROCESS_SESSION = `process-${randomUUID()}`;
let pids: number[] | undefined;

/**
 * Who calls: the client's words put together with what this process knows of its surroundings.
 * @param meta `_meta` of the call, where Codex names its session
 */
export function identifyCaller(
  settings: Settings,
  client: Client,
  meta: Record<string, unknown> | undefined,
): Caller {
  pids ??= ownPids();
  return {
    clientName: client.name,
    clientVersion: client.version,
    session: sessionOf(settings, meta),
    pane: settings.pane,
    socket: settings.pane === undefined ? undefined : settings.paneSocket,
    pids,
    cwd: settings.cwd,
    role: settings.role,
  };
}

/** The client's own id of a call (Claude Code, Codex), absent where it sends none. */
export function callIdOf(meta: Record<string, unknown> | undefined): string | undefined {
  return word(meta?.['claudecode/toolUseId']) ?? word(meta?.['callId']);
}

/** The client's session by its own id, else by its pane, else by this process. */
function sessionOf(settings: Settings, meta: Record<string, unknown> | undefined): string {
  const own = settings.clientSession ?? word(meta?.['sessionId']) ?? word(meta?.['threadId']);
  if (own !== undefined) return own;
  if (settings.pane !== undefined) return `${settings.paneSocket ?? ''}:${settings.pane}`;
  return PROCESS_SESSION;
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 200 ? value : undefined;
}

/** This process and its ancestors, nearest first, as far as the system tells. */
function ownPids(): number[] {
  const found = [process.pid, process.ppid];
  for (let pid = process.ppid; pid > 1 && found.length < MAX_ANCESTORS; ) {
    const parent = parentOf(pid);
    if (parent === undefined || parent < 1) break;
    found.push(parent);
    pid = parent;
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may hold spaces and parentheses itself.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return Number.isInteger(parent) ? parent : undefined;
  } catch {
    return undefined;
  }
}
