import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { randomSuffix } from '../base/ids.ts';
import { parseObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { isOwn } from './owner.ts';

const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_WRONLY, O_CREAT } = constants;

/** The size limit of a registry or configuration file, in bytes; a journal has its own. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

function refused(path: string, why: string, code: string): Error {
  return Object.assign(new Error(`${path} ${why}`), { code });
}

/**
 * Reads a plain file that others may have made: never through a link, never a pipe or a device (which could block the
 * reader forever), and never more than `max` bytes.
 * @param max its limit in bytes
 * @throws the system's error; ELOOP for a link, EFTYPE for what is not a plain file, EFBIG for one that is too large
 */
export function readForeign(path: string, max: number = MAX_FILE_BYTES): string {
  return readForeignBytes(path, max).toString('utf8');
}

/** The fields of a JSON object in such a file; empty if there is none. */
export function readObject(path: string): Record<string, unknown> {
  return parseObject(orElse(() => readForeign(path), ''));
}

/** The same as bytes. @throws as `readForeign` */
export function readForeignBytes(path: string, max: number = MAX_FILE_BYTES): Buffer {
  return readForeignDated(path, max).bytes;
}

/** The same, with the time of the last write before it was read, in ms since 1970. @throws as `readForeign` */
export function readForeignDated(path: string, max: number): { bytes: Buffer; writtenAt: number } {
  return withForeign(path, (fd, { size, mtimeMs }) => {
    if (size > max) throw refused(path, `has ${size} bytes, more than ${max}`, 'EFBIG');
    return { bytes: readFileSync(fd), writtenAt: mtimeMs };
  });
}

/** The last `bytes` bytes of such a file, and its full size. @throws as `readForeign`, except EFBIG */
export function tailOfForeign(path: string, bytes: number): { tail: Buffer; size: number } {
  return withForeign(path, (fd, { size }) => {
    const end = Buffer.alloc(Math.min(size, bytes));
    return { tail: end.subarray(0, readSync(fd, end, 0, end.length, size - end.length)), size };
  });
}

/** Why one of these functions could not read a file, as the end of a sentence. */
export function whyUnread(error: unknown): string {
  const code = systemCode(error);
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EFTYPE') return 'it is not a plain file';
  if (code === 'EFBIG') return 'it is too large';
  return `it cannot be read (${code ?? 'unknown error'})`;
}

function withForeign<T>(path: string, read: (fd: number, stat: Stats) => T): T {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw refused(path, 'is not a plain file', 'EFTYPE');
    return read(fd, stat);
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens our own file for writing, in a folder that others may write to. An existing file must be a plain file of this
 * user with one name: a link, even a hard one, would send what we write into another file.
 * @param flags besides writing, such as `O_APPEND` or `O_TRUNC`
 * @param mayCreate false if it must already exist
 * @returns the file descriptor
 * @throws the system's error; ELOOP, EFTYPE, EPERM or EMLINK for what is not ours alone
 */
export function openOwn(path: string, flags: number, mayCreate = true): number {
  const create = mayCreate ? O_CREAT : 0;
  const fd = openSync(path, O_WRONLY | create | O_NOFOLLOW | O_NONBLOCK | flags, 0o600);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw refused(path, 'is not a plain file', 'EFTYPE');
    if (!isOwn(stat)) throw refused(path, `belongs to another user (uid ${stat.uid})`, 'EPERM');
    if (stat.nlink > 1) throw refused(path, 'has another name (a hard link)', 'EMLINK');
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Writes a small file atomically in place of whatever is there: a link is replaced, not followed.
 * @throws the system's error; the old file stays as it was
 */
export function replaceOwn(path: string, text: string): void {
  const neighbour = `${path}.${randomSuffix()}.new`;
  try {
    writeFileSync(neighbour, text, { flag: 'wx', mode: 0o600 });
    renameSync(neighbour, path);
  } catch (error) {
    rmSync(neighbour, { force: true });
    throw error;
  }
}
