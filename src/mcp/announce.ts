import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import { startOf } from '../base/processes.ts';
import { homePaths } from '../registry/home.ts';
import type { Settings } from '../settings/config.ts';
import type { Caller } from './tool/tool.ts';

/**
 * Called once the client is ready: a small file says where this server lives, so that a delivery receipt can tell
 * that the peer's server is there. Only for a peer or inside tmux; it starts no hub.
 * @returns what takes it back when the server ends; the file of a server that was killed is ignored by its readers, and a hub removes it
 */
export async function announce(caller: Caller, settings: Settings): Promise<() => void> {
  if (caller.role !== 'peer' && caller.pane === undefined) return () => {};
  const { servers } = homePaths(settings.home);
  const path = join(servers, `${process.pid}.json`);
  const { clientName, pane, socket, pids, ns, cwd, role } = caller;
  makeFolder(servers);
  writeFileSync(
    path,
    JSON.stringify({
      ...{ pid: process.pid, start: startOf(process.pid), ns, pids, pane, socket },
      ...{ client: clientName, role, workdir: cwd },
    }),
    { mode: 0o600 },
  );
  return () => rmSync(path, { force: true });
}
