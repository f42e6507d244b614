import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import { startOf } from '../base/processes.ts';
import { homePaths } from '../registry/home.ts';
import { loadSettings } from '../settings/config.ts';
import { identifyCaller } from '../tool/caller.ts';
import type { Client } from '../tool/tool.ts';

/**
 * Called once the client is ready: a small file says where this server runs, so that a delivery receipt can tell that
 * the peer's server is there. Only for a peer or inside tmux; it starts no hub, and loads none of what calls need.
 * @returns removes the file when the server ends; that of a server that was killed is ignored by its readers, and a hub removes it
 */
export async function announce(client: Client): Promise<() => void> {
  const settings = await loadSettings();
  const { clientName, pane, socket, pids, ns, cwd, role } = identifyCaller(settings, client, undefined);
  if (role !== 'peer' && pane === undefined) return () => {};
  const { servers } = homePaths(settings.home);
  const path = join(servers, `${process.pid}.json`);
  makeFolder(servers);
  const own = { pid: process.pid, start: startOf(process.pid), ns, pids, pane, socket };
  writeFileSync(path, JSON.stringify({ ...own, client: clientName, role, workdir: cwd }), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}
