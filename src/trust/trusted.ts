import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import { orElse } from '../base/or-else.ts';
import { sha256 } from '../base/sha256.ts';
import { readObject, replaceOwn } from './files.ts';

/**
 * Looks up whether a project's file is trusted.
 * @param home `MAM_HOME`
 * @param bytes the content that would be obeyed
 * @returns the content's hash, and the one that was trusted for this path
 */
export async function readTrust(
  home: string,
  path: string,
  bytes: Buffer,
): Promise<{ sha256: string; trusted: string | undefined }> {
  const real = realpathSync(path);
  const { path: entryFor, sha256: hash } = readObject(entryPath(home, real));
  return { sha256: sha256(bytes), trusted: entryFor === real && typeof hash === 'string' ? hash : undefined };
}

/** Records that a file with this content is trusted; a changed one must be trusted again. @throws the system's error */
export function writeTrust(home: string, path: string, sha256: string): void {
  const real = realpathSync(path);
  makeFolder(join(home, 'trust'));
  const entry = { path: real, sha256, at: new Date().toISOString() };
  replaceOwn(entryPath(home, real), `${JSON.stringify(entry)}\n`);
}

/** Revokes trust in a file, even if it is gone. @returns whether it was trusted @throws the system's error */
export function removeTrust(home: string, path: string): boolean {
  const real = orElse(() => realpathSync(path), path);
  const entry = entryPath(home, real);
  const was = existsSync(entry);
  rmSync(entry, { force: true });
  return was;
}

function entryPath(home: string, real: string): string {
  return join(home, 'trust', `${sha256(real).slice(0, 32)}.json`);
}
