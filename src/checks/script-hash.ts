import { accessSync, constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { sha256 } from '../base/sha256.ts';
import type { Validation } from '../job/record.ts';
import { readForeignBytes } from '../trust/files.ts';

/** A script, or a program in its place, is shorter than this, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The hash of a script that can be read. @throws MamError `bad_input` for one that can't */
export function scriptHash(path: string): string {
  try {
    return sha256(readForeignBytes(realpathSync(path), MAX_BYTES));
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

/** True for a script that is run itself, and not by bash. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What of a script is fixed when its job is delegated. @throws MamError as `scriptHash` */
export function scriptFacts(
  script: string,
): Required<Pick<Validation, 'script' | 'script_sha256' | 'script_executable'>> {
  return { script, script_sha256: scriptHash(script), script_executable: isExecutable(script) };
}

/** True for a script that would run as it would have when its job was delegated. @throws MamError as `scriptHash` */
export function isAsDelegated({ script, ...delegated }: Validation): boolean {
  const { script_sha256: hash, script_executable: executable } = scriptFacts(script);
  return hash === delegated.script_sha256 && executable === (delegated.script_executable ?? executable);
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
