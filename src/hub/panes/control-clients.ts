import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, namesIn } from '../../base/folders.ts';
import { identify, lifeOf, type ProcessId } from '../../base/process-id.ts';

/** How long a note about another pid namespace is kept, in ms: by then the namespace has probably ended. */
const KEPT_MS = 24 * 3600 * 1000;

/**
 * The control clients that hubs of this home have started. If a hub is killed while tmux 3.3a writes to its client, that
 * client never ends, and a later `kill-server` by the user hangs on it: so the next hub ends it.
 */
export class ControlClients {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  note(pid: number): void {
    try {
      makeFolder(this.#folder);
      writeFileSync(join(this.#folder, String(pid)), JSON.stringify(identify(pid)), { mode: 0o600 });
    } catch {
      // Without the note, a killed hub may leave the client behind, which is rare.
    }
  }

  forget(pid: number): void {
    rmSync(join(this.#folder, String(pid)), { force: true });
  }

  /** Ends the clients of killed hubs, each by its id and start time. */
  reap(): void {
    for (const name of namesIn(this.#folder).filter((one) => /^\d+$/.test(one))) {
      try {
        const path = join(this.#folder, name);
        const client = JSON.parse(readFileSync(path, 'utf8')) as ProcessId;
        const life = lifeOf(client);
        // The client is in another pid namespace: only a hub there can end it.
        if (life === 'unknown' && Date.now() - statSync(path).mtimeMs < KEPT_MS) continue;
        if (life === 'alive') process.kill(client.pid, 'SIGKILL');
      } catch {
        // The client has just ended.
      }
      this.forget(Number(name));
    }
  }
}
