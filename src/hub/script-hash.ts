import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { MamError } from '../errors.ts';
import { readForeignBytes } from '../trust/files.ts';

/** A script, or a program in its place, is shorter than this, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The hash of a script that can be read. @throws MamError `bad_input` for one that can't */
export function scriptHash(path: string): string {
  try {
    return createHash('sha256')
      .update(readForeignBytes(realpathSync(path), MAX_BYTES))
      .digest('hex');
  } catch (error) {
    throw new MamError(
      'bad_input',
      `The validation script ${path} cannot be read.`,
      'Give the path of a readable script.',
      {
        cause: error,
      },
    );
  }
}

/**
 * What tells a script from one that was put in its place or written over for a while, which a hash alone does not.
 * Nothing for one that can't be read.
 */
export function scriptIdentity(path: string): string | undefined {
  try {
    const facts = ({ dev, ino, ctimeMs, size }: Stats) => [dev, ino, ctimeMs, size];
    const real = realpathSync(path);
    return JSON.stringify([real, facts(lstatSync(path)), facts(statSync(path)), scriptHash(path)]);
  } catch {
    return undefined;
  }
}
