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

export interface Found {
  /** The file itself, with all links resolved. */
  path: string;
  text: string | undefined;
  stat: { mode: number; uid: number; gid: number } | undefined;
}

/**
 * Reads a file that may be missing. The user's own link to the user's own file is followed: some people keep their
 * configuration in one place.
 * @param within the folder that no link may lead out of, if any
 * @throws MamError `io` when it can't be read, `refused` for a link that must not be followed, or for text that is not UTF-8
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

/** Checks that a file can be written; makes its folder. @param secret for this user only @throws MamError `io` */
export function prepare({ path, text }: Found, secret: boolean): void {
  const folder = dirname(path);
  try {
    if (secret) makeFolder(folder);
    else if (!existsSync(folder)) mkdirSync(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    // A rename would still overwrite it, but a read-only file was made so on purpose.
    if (text !== undefined) accessSync(path, constants.W_OK);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/**
 * Replaces what was found by `text`: written next to it, then renamed, with its mode and owner. The old one is kept as a
 * backup next to it.
 * @param text undefined to remove the file
 * @returns the backup's path, if there was a file
 * @throws MamError `conflict` when the file was changed meanwhile
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
        `${found.path} was changed by something else just now, so it was left as it is.`,
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

/** Undoes a replacement when a later file of the same install could not be written. */
export function restoreConfig(found: Found, backup: string | undefined): void {
  if (backup !== undefined) renameSync(backup, found.path);
  else remove(found.path);
}

function keep(path: string, text: string, found: Found): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  for (let n = 1; ; n++) {
    const backup = `${path}.before-mam-${stamp}${n === 1 ? '' : `-${n}`}`;
    if (existsSync(backup)) continue;
    write(backup, text, found, 0o600);
    return backup;
  }
}

function write(path: string, text: string, { stat }: Found, newMode: number): void {
  // Nobody else can read it before it has its final mode.
  const fd = openSync(path, 'wx', stat === undefined ? newMode : 0o600);
  try {
    if (stat !== undefined) {
      // With sudo the owner would be root; anyone else owns the file already.
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
        `${path} is not a file.`,
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
  if (!isThere) throw refuse(`is a link to ${target}, which does not exist`);
  const { uid } = statSync(target);
  if (process.getuid !== undefined && uid !== process.getuid())
    throw refuse(`is a link to ${target}, which belongs to another user (uid ${uid})`);
}

/** The file that a path leads to, with all links resolved. @throws MamError `refused` for a broken link */
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

export function remove(path: string): void {
  orElse(() => unlinkSync(path), undefined);
}
