import { randomUUID } from 'node:crypto';
import { pidNamespace } from '../base/process-id.ts';
import { ancestors, commandLineOf } from '../base/processes.ts';
import { type Settings, sessionOf } from '../settings/config.ts';
import type { Caller, Client } from './tool.ts';

const PROCESS_SESSION = `process-${randomUUID()}`;
let pids: number[] | undefined;
let daemon: boolean | undefined;

/**
 * Identifies the caller from what the client says and what this process knows about its environment.
 * @param meta `_meta` of the call, in which Codex names its session
 */
export function identifyCaller(
  settings: Settings,
  client: Client,
  meta: Record<string, unknown> | undefined,
): Caller {
  pids ??= [process.pid, ...ancestors()];
  daemon ??=
    client.name.startsWith('codex') &&
    pids.some((pid) => commandLineOf(pid)?.includes('app-server') === true);
  const own = word(meta?.['sessionId']) ?? word(meta?.['threadId']);
  const { cwd, role, pane, place } = settings;
  const common = { clientName: client.name, clientVersion: client.version, ns: pidNamespace(), cwd, role };
  if (daemon) {
    // Codex 0.171.0 runs all panes' servers from one background process: pane and ancestors are the first pane's.
    return { ...common, session: own ?? PROCESS_SESSION, pids: [process.pid], channel: false };
  }
  return {
    ...common,
    session: sessionOf({ ...settings, clientSession: settings.clientSession ?? own }, PROCESS_SESSION),
    ...{ pane, place, pids },
    socket: pane === undefined ? undefined : settings.paneSocket,
    channel: settings.channel && client.name === 'claude-code',
  };
}

/** The client's own id of a call (Claude Code, Codex), absent if it sends none. */
export function callIdOf(meta: Record<string, unknown> | undefined): string | undefined {
  return word(meta?.['claudecode/toolUseId']) ?? word(meta?.['callId']);
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 200 ? value : undefined;
}
