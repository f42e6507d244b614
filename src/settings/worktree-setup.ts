import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { realPlace } from '../base/real-place.ts';
import { knownUserHome } from '../base/user-home.ts';
import { readForeignBytes, whyUnread } from '../trust/files.ts';
import { isOwn } from '../trust/owner.ts';
import { findProjectFolder, PROJECT_FOLDER } from './project.ts';
import { repositoryOf } from './repository.ts';

const NAME = 'worktree-setup';
/** A script; a program does not belong there. In bytes. */
const MAX_BYTES = 1024 * 1024;

/** The script with which a project sets up a new worktree. It may come with a clone, so it needs trust. */
export interface WorktreeSetup {
  path: string;
  /** `invalid`: it is never run, and `why` says why. */
  state: 'absent' | 'untrusted' | 'changed' | 'trusted' | 'invalid';
  sha256?: string;
  text?: string;
  why?: string;
}

/**
 * The set-up script of the project around a folder. A linked worktree may have its own copy of it: that is as good as the
 * one in the main worktree, as long as it is the same.
 * @param home `MAM_HOME`, which records what was trusted
 */
export async function setupAround(folder: string, home: string): Promise<WorktreeSetup> {
  const repository = repositoryOf(realPlace(folder));
  const places = [
    findProjectFolder(folder, home, knownUserHome()),
    ...(repository === undefined ? [] : [join(repository, PROJECT_FOLDER)]),
  ];
  const found: WorktreeSetup[] = [];
  for (const place of new Set(places)) found.push(await readSetup(place, home));
  const first = found.find(({ state }) => state !== 'absent') ?? found[0];
  if (first === undefined) return { path: NAME, state: 'absent' };
  const isSame = found.some(({ state, sha256 }) => state === 'trusted' && sha256 === first.sha256);
  return isSame ? { ...first, state: 'trusted' } : first;
}

/** The set-up script of a project. It never fails. @param projectFolder the project's `.mam` */
export async function readSetup(projectFolder: string, home: string): Promise<WorktreeSetup> {
  const path = join(projectFolder, NAME);
  let bytes: Buffer;
  try {
    for (const place of [dirname(path), path]) {
      const stat = lstatSync(place);
      if (stat.isSymbolicLink()) return { path, state: 'invalid', why: `${place} is a link` };
      if (!isOwn(stat))
        return { path, state: 'invalid', why: `${place} belongs to another user (uid ${stat.uid})` };
    }
    bytes = readForeignBytes(path, MAX_BYTES);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return { path, state: 'absent' };
    return { path, state: 'invalid', why: whyUnread(error) };
  }
  // Loaded only now: its hashes take a few ms of a command line.
  const { readTrust } = await import('../trust/trusted.ts');
  const { sha256, trusted } = await readTrust(home, path, bytes);
  const state = trusted === sha256 ? 'trusted' : trusted === undefined ? 'untrusted' : 'changed';
  return { path, state, sha256, text: bytes.toString('utf8') };
}
