import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { MamError } from '../errors.ts';

/** The hash of a script that can be read. @throws MamError `bad_input` for one that can't */
export function scriptHash(path: string): string {
  try {
    if (!statSync(path).isFile()) throw new Error('no file');
    return createHash('sha256').update(readFileSync(path)).digest('hex');
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
