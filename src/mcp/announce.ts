import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import { startOf } from '../base/processes.ts';
import { homePaths } from '../registry/home.ts';
import { loadSettings } from '../settings/config.ts';
import { identifyCaller } from '../tool/caller.ts';
import type { Client } from '../tool/tool.ts';

/**
 * Called once the client is ready: writes a small file with where this server runs, for delivery receipts to say that
 * the peer's server is connected. Only for a peer or inside tmux; starts no hub.
 * @throws the system's error if it can't be written; then nothing is left of it
 * @returns a function that removes the file; readers ignore a killed server's file, and a hub removes it
 */
export async function announce(client: Client): Promise<() => void> {
  const settings = await loadSettings();
  const { clientName, pane, socket, pids, ns, cwd, role } = identifyCaller(settings, client, undefined);
  if (role !== 'peer' && pane === undefined) return () => {};
  const { servers } = homePaths(settings.home);
  const path = join(servers, `${process.pid}.json`);
  makeFolder(servers);
  const own = { pid: process.pid, start: startOf(process.pid), ns, pids, pane, socket };
  const withdraw = () => rmSync(path, { force: true });
  try {
    writeFileSync(path, JSON.stringify({ ...own, client: clientName, role, workdir: cwd }), { mode: 0o600 });
  } catch (error) {
    // On a full disk the file was made, and has nothing in it.
    withdraw();
    throw error;
  }
  return withdraw;
}
