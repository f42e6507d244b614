import { accessSync, constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { sha256 } from '../base/sha256.ts';
import type { Validation } from '../job/record.ts';
import { readForeignBytes } from '../trust/files.ts';

/** The size limit of a script, or of a program used as one, in bytes. */
const MAX_SCRIPT_BYTES = 64 * 1024 * 1024;

/** The hash of a script that can be read. @throws MamError `bad_input` for one that can't */
export function scriptHash(path: string): string {
  try {
    return sha256(readForeignBytes(realpathSync(path), MAX_SCRIPT_BYTES));
  } catch (error) {
    const isFolder = orElse(() => statSync(path).isDirectory(), false);
    const what = `The validation script ${path} ${isFolder ? 'is a folder' : 'cannot be read'}.`;
    throw new MamError('bad_input', what, 'Pass the path of a readable script.', { cause: error });
  }
}

/** True for a script that is run directly instead of with bash. */
export function isExecutable(path: string): boolean {
  return orElse(() => accessSync(path, constants.X_OK) === undefined, false);
}

/** What is noted about a script when its job is delegated. @throws MamError as `scriptHash` */
export function scriptFacts(script: string) {
  return { script, script_sha256: scriptHash(script), script_executable: isExecutable(script) };
}

/** True if a script would still run as it would have when its job was delegated. @throws MamError as `scriptHash` */
export function isAsDelegated({ script, ...delegated }: Validation): boolean {
  const { script_sha256: hash, script_executable: executable } = scriptFacts(script);
  return hash === delegated.script_sha256 && executable === (delegated.script_executable ?? executable);
}

/**
 * Changes if a script is replaced or overwritten, even temporarily, which a hash alone does not show. Nothing if the
 * script can't be read.
 */
export function scriptIdentity(path: string): string | undefined {
  const facts = ({ dev, ino, ctimeMs, size }: Stats) => [dev, ino, ctimeMs, size];
  return orElse(
    () =>
      JSON.stringify([realpathSync(path), facts(lstatSync(path)), facts(statSync(path)), scriptHash(path)]),
    undefined,
  );
}

/**
 * The script to run, and whether it is the job's own and has changed since the job was delegated.
 * @param given absolute path; absent for the job's own
 * @throws MamError `bad_input` if there is none, or if it can't be read
 */
export function scriptOf(own: Validation | undefined, given: string | undefined) {
  const script = given ?? own?.script;
  if (script === undefined) {
    const what = 'The job was delegated without a validation script.';
    throw new MamError('bad_input', what, 'Name one with validate (`--validate SCRIPT`).');
  }
  scriptHash(script);
  const changed = own !== undefined && script === own.script && !isAsDelegated(own);
  return { script, ...(changed && { script_changed: true as const }) };
}
