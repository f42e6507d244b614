import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { MamError, systemCode } from '../base/errors.ts';
import { readForeign, replaceOwn } from '../trust/files.ts';
import type { Home } from './home.ts';

const KEY_BYTES = 32;
/** 128 bits, as base64url. */
const MAC_BYTES = 16;
const MAC_CHARS = 22;
const NAME_BYTES = 8;
/** What `sign` adds to a line, in bytes. */
export const SIGNED_BYTES = ',"mac":""'.length + MAC_CHARS;
const SIGNED = new RegExp(`^(.*),"mac":"([\\w-]{${MAC_CHARS}})"\\}$`, 's');

/**
 * Proves that a journal line was written by a hub of this home: a registry is in a project, which may come with a clone
 * and which a peer can write to. What is not proven may be shown but is never obeyed.
 */
export class Seal {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** The seal of a home, whose key is made on first use. @throws the system's error, MamError `io` for a damaged key */
  static of({ key: path }: Pick<Home, 'key'>): Seal {
    if (!existsSync(path)) make(path);
    return read(path);
  }

  /** The seal of a home; nothing if no hub has run yet. @throws as `of` */
  static existing({ key: path }: Pick<Home, 'key'>): Seal | undefined {
    return existsSync(path) ? read(path) : undefined;
  }

  /**
   * Writes the key again if it was removed or emptied. A different key stays: the user may have put it back.
   * @returns true when it was written
   * @throws the system's error
   */
  keep({ key: path }: Pick<Home, 'key'>): boolean {
    if (existsSync(path) && keyIn(path) !== undefined) return false;
    replaceOwn(path, textOf(this.#key));
    return true;
  }

  /** A journal's line with its proof. @param line a JSON object, `{…}` */
  sign(jobId: string, line: string): string {
    return `${line.slice(0, -1)},"mac":"${this.#mac(`${jobId}\n${line}`)}"}`;
  }

  /** The line as it was signed; nothing for a line that was not signed, or that is another job's. */
  open(jobId: string, signed: string): string | undefined {
    const [, line, mac = ''] = SIGNED.exec(signed) ?? [];
    return line !== undefined && this.#proves(`${jobId}\n${line}}`, mac) ? `${line}}` : undefined;
  }

  /** The proof of a record; a line's proof is none, since a peer chooses its lines. @param text the record as JSON */
  signRecord(jobId: string, text: string): string {
    return this.#mac(recordOf(jobId, text));
  }

  provesRecord(jobId: string, text: string, mac: string): boolean {
    return this.#proves(recordOf(jobId, text), mac);
  }

  /** A name that no other home has, in hexadecimal. @param purpose each purpose has a different name */
  nameFor(purpose: string): string {
    const digest = createHmac('sha256', this.#key).update(`name ${purpose}`).digest();
    return digest.subarray(0, NAME_BYTES).toString('hex');
  }

  #mac(text: string): string {
    const digest = createHmac('sha256', this.#key).update(text).digest();
    return digest.subarray(0, MAC_BYTES).toString('base64url');
  }

  #proves(text: string, mac: string): boolean {
    const [given, due] = [Buffer.from(mac), Buffer.from(this.#mac(text))];
    return given.length === due.length && timingSafeEqual(given, due);
  }
}

/** Makes a new key atomically: others may read it at the same time. @throws the system's error */
function make(path: string): void {
  const whole = `${path}.${process.pid}.tmp`;
  writeFileSync(whole, textOf(randomBytes(KEY_BYTES)), { mode: 0o600, flush: true });
  try {
    linkSync(whole, path);
  } catch (error) {
    // Another process was first.
    if (systemCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(whole, { force: true });
  }
}

/** No job id has a blank. */
function recordOf(jobId: string, text: string): string {
  return `record ${jobId}\n${text}`;
}

function textOf(key: Buffer): string {
  return `${key.toString('hex')}\n`;
}

/** The key in a file; nothing if it is incomplete. @throws the system's error */
function keyIn(path: string): Buffer | undefined {
  const key = Buffer.from(readForeign(path).trim(), 'hex');
  return key.length === KEY_BYTES ? key : undefined;
}

function read(path: string): Seal {
  const isFile = statSync(path).isFile();
  const key = isFile ? keyIn(path) : undefined;
  if (key !== undefined) return new Seal(key);
  throw new MamError(
    'io',
    `${path} ${isFile ? 'is damaged' : 'is not a file'}.`,
    'Restore it from a backup. Without one, move it away and run `mam hub restart`: a new key is made, and all jobs so far become history.',
  );
}

/** What is wrong with an existing key: it is not a file, or is incomplete. An unreadable key is a different fault. */
export function keyFault(path: string): MamError | undefined {
  try {
    read(path);
  } catch (error) {
    if (error instanceof MamError) return error;
  }
  return undefined;
}
