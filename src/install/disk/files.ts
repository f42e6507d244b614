import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, sep } from 'node:path';
import { MamError, systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../base/folders.ts';
import { orElse } from '../../base/or-else.ts';
import { realPlace } from '../../base/real-place.ts';

/** A file as it was when it was read. */
export interface Found {
  /** The file itself, behind all links. */
  path: string;
  /** Undefined when there is none. */
  text: string | undefined;
  stat: { mode: number; uid: number; gid: number } | undefined;
}

/**
 * Reads a file that may not be there. A link of the user's to a file of the user's is followed: people keep their
 * configuration in one place.
 * @param within the folder that no link may lead out of, if there is one
 * @throws MamError `io` when it can't be read, `refused` when it is not UTF-8 text, or a link that must not be followed
 */
export function readConfig(path: string, within?: string): Found {
  const target = behindLinks(path);
  const bytes = bytesOf(target);
  checkLinks(path, target, bytes !== undefined, within);
  if (bytes === undefined) return { path: target, text: undefined, stat: undefined };
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) {
    throw new MamError(
      'refused',
      `${path} is not UTF-8 text.`,
      'Nothing was changed. Save it as UTF-8, then run this again.',
    );
  }
  const { mode, uid, gid } = statSync(target);
  return { path: target, text, stat: { mode: mode & 0o7777, uid, gid } };
}

/**
 * Proves that a file can be written before any other one is. Makes the folder if it is missing.
 * @param secret true when nobody else shall look into a new folder
 * @throws MamError `io`
 */
export function prepare({ path, text }: Found, secret: boolean): void {
  const folder = dirname(path);
  try {
    if (secret) makeFolder(folder);
    else if (!existsSync(folder)) mkdirSync(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    // A rename would overwrite it all the same, but who made it read-only meant it.
    if (text !== undefined) accessSync(path, constants.W_OK);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/**
 * Puts `text` in the place of what was found: written whole beside it, then renamed, with its mode and owner. The old
 * one is kept beside it.
 * @param text undefined to remove the file
 * @param newMode of a file that is not there yet
 * @returns the backup's path, if there was something to keep
 * @throws MamError `conflict` when somebody else has written the file meanwhile
 */
export function replaceConfig(found: Found, text: string | undefined, newMode: number): string | undefined {
  let backup: string | undefined;
  let neighbour: string | undefined;
  try {
    if (found.text !== undefined) backup = keep(found.path, found.text, found);
    if (text !== undefined) {
      neighbour = `${found.path}.${randomBytes(4).toString('hex')}.tmp`;
      write(neighbour, text, found, newMode);
    }
    if (bytesOf(found.path)?.toString('utf8') !== found.text) {
      throw new MamError(
        'conflict',
        `${found.path} was written by somebody else just now, so it was left as it is.`,
        'Run this again.',
      );
    }
    if (neighbour !== undefined) renameSync(neighbour, found.path);
    else unlinkSync(found.path);
    return backup;
  } catch (error) {
    for (const path of [neighbour, backup]) if (path !== undefined) remove(path);
    throw error instanceof MamError ? error : cannotWrite(found.path, error);
  }
}

/** Takes a replacement back, when a later file of the same install could not be written. */
export function restoreConfig(found: Found, backup: string | undefined): void {
  if (backup !== undefined) renameSync(backup, found.path);
  else remove(found.path);
}

function keep(path: string, text: string, found: Found): string {
  const stamp = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(/[-:]/g, '')
    .replace('T', '-');
  for (let n = 1; ; n++) {
    const backup = `${path}.before-mam-${stamp}${n === 1 ? '' : `-${n}`}`;
    if (existsSync(backup)) continue;
    write(backup, text, found, 0o600);
    return backup;
  }
}

function write(path: string, text: string, { stat }: Found, newMode: number): void {
  // Nobody else reads it before it has the mode that it shall have.
  const fd = openSync(path, 'wx', stat === undefined ? newMode : 0o600);
  try {
    if (stat !== undefined) {
      // With sudo the owner would be root; who may not give a file away owns it already.
      if (process.getuid?.() === 0) fchownSync(fd, stat.uid, stat.gid);
      fchmodSync(fd, stat.mode);
    }
    writeFileSync(fd, text);
    fsyncSync(fd);
  } catch (error) {
    remove(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function bytesOf(path: string): Buffer | undefined {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      throw new MamError(
        'refused',
        `${path} is no file.`,
        'Nothing was changed. Move it away, then run this again.',
      );
    }
    return readFileSync(path);
  } catch (error) {
    if (error instanceof MamError) throw error;
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new MamError('io', `${path} can't be read (${code ?? 'unknown'}).`, 'Nothing was changed.');
  }
}

/** @throws MamError `refused` for a link that leads nowhere, to another user's file, or out of the project */
function checkLinks(path: string, target: string, isThere: boolean, within: string | undefined): void {
  const refuse = (why: string): MamError =>
    new MamError('refused', `${path} ${why}.`, 'Nothing was changed. Put a file of your own in its place.');
  if (within !== undefined && !target.startsWith(realPlace(within) + sep))
    throw refuse(`is a link that leads out of the project, to ${target}`);
  if (linkOf(path) === undefined) return;
  if (!isThere) throw refuse(`is a link to ${target}, which is not there`);
  const { uid } = statSync(target);
  if (process.getuid !== undefined && uid !== process.getuid())
    throw refuse(`is a link to ${target}, which belongs to another user (uid ${uid})`);
}

/** The file that a path means, also where a link leads to a file that is not there yet. */
function behindLinks(path: string): string {
  const target = realPlace(path);
  if (linkOf(target) === undefined) return target;
  throw new MamError(
    'refused',
    `${path} is a link that leads nowhere.`,
    'Nothing was changed. Fix the link.',
  );
}

function linkOf(path: string): string | undefined {
  return orElse(() => readlinkSync(path), undefined);
}

function cannotWrite(path: string, error: unknown): MamError {
  const code = systemCode(error) ?? 'unknown';
  return new MamError(
    'io',
    `${path} can't be written (${code}).`,
    'Nothing was changed. Make it and its folder writable for you, then run this again.',
  );
}

/** Removes a file, if it is there. */
export function remove(path: string): void {
  orElse(() => unlinkSync(path), undefined);
}
