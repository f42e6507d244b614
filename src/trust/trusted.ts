import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import { orElse } from '../base/or-else.ts';
import { sha256 } from '../base/sha256.ts';
import { readObject, replaceOwn } from './files.ts';

/** What `mam trust` has accepted: this file with this content. A changed file is asked for again. */
interface Trusted {
  path: string;
  sha256: string;
  at: string;
}

/**
 * Looks up whether a project's file was trusted.
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
  const entry = readObject(entryPath(home, real));
  const isTrusted = entry['path'] === real && typeof entry['sha256'] === 'string';
  return { sha256: sha256(bytes), trusted: isTrusted ? String(entry['sha256']) : undefined };
}

/** Takes down that a file with this content is trusted. @throws the system's error */
export function writeTrust(home: string, path: string, sha256: string): void {
  const real = realpathSync(path);
  makeFolder(join(home, 'trust'));
  const entry: Trusted = { path: real, sha256, at: new Date().toISOString() };
  replaceOwn(entryPath(home, real), `${JSON.stringify(entry)}\n`);
}

/** Forgets that a file was trusted, also one that is gone. @returns whether it was @throws the system's error */
export function removeTrust(home: string, path: string): boolean {
  // The path of one that is gone is its own.
  const entry = entryPath(
    home,
    orElse(() => realpathSync(path), path),
  );
  const was = existsSync(entry);
  rmSync(entry, { force: true });
  return was;
}

function entryPath(home: string, real: string): string {
  return join(home, 'trust', `${sha256(real).slice(0, 32)}.json`);
}
