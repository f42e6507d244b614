import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Launch } from '../../agents/kind.ts';
import { systemCode } from '../../base/errors.ts';
import { namesIn } from '../../base/folders.ts';
import { randomSuffix } from '../../base/ids.ts';
import { identify, lifeOf, type ProcessId } from '../../base/process-id.ts';

/** Names the process that an agent's files are for. */
const OWNER = 'owner.json';

/** A private folder for the files that an agent's command line names; created with the first file. */
export function newAgentFolder(home: string): string {
  return join(home, 'agents', randomSuffix());
}

/** Writes an agent's files and links the entries of real folders. @throws the system's error */
export function placeFiles(folder: string, { files, keeps = [], mirrors = {} }: Launch): void {
  for (const kept of keeps) mkdirSync(kept, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
  }
  for (const [name, real] of Object.entries(mirrors)) {
    for (const entry of namesIn(real)) {
      mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
      try {
        symlinkSync(join(real, entry), join(folder, name, entry));
      } catch (error) {
        // Our own file takes precedence.
        if (systemCode(error) !== 'EEXIST') throw error;
      }
    }
  }
}

export function noteOwner(folder: string, pid: number): void {
  if (namesIn(folder).length > 0)
    writeFileSync(join(folder, OWNER), JSON.stringify(identify(pid)), { mode: 0o600 });
}

/** Removes the files of agents that have ended. Links are removed, never their targets. */
export function sweepAgentFiles(home: string): void {
  for (const name of namesIn(join(home, 'agents'))) {
    const folder = join(home, 'agents', name);
    try {
      const owner = JSON.parse(readFileSync(join(folder, OWNER), 'utf8')) as ProcessId;
      if (lifeOf(owner) === 'gone') rmSync(folder, { recursive: true, force: true });
    } catch {
      // The agent is being started, or is another user's.
    }
  }
}
