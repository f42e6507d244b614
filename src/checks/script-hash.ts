import { accessSync, constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { sha256 } from '../base/sha256.ts';
import type { Validation } from '../job/record.ts';
import { readForeignBytes } from '../trust/files.ts';

/** A script, or a program in its place, is shorter than this, in bytes. */
const MAX_SCRIPT_BYTES = 64 * 1024 * 1024;

/** The hash of a script that can be read. @throws MamError `bad_input` for one that can't */
export function scriptHash(path: string): string {
  try {
    return sha256(readForeignBytes(realpathSync(path), MAX_SCRIPT_BYTES));
  } catch (error) {
    const what = `The validation script ${path} cannot be read.`;
    throw new MamError('bad_input', what, 'Give the path of a readable script.', { cause: error });
  }
}

/** True for a script that is run itself, and not by bash. */
export function isExecutable(path: string): boolean {
  return orElse(() => accessSync(path, constants.X_OK) === undefined, false);
}

/** What is noted of a script when its job is delegated. @throws MamError as `scriptHash` */
export function scriptFacts(script: string) {
  return { script, script_sha256: scriptHash(script), script_executable: isExecutable(script) };
}

/** True for a script that would run as it would have when its job was delegated. @throws MamError as `scriptHash` */
export function isAsDelegated({ script, ...delegated }: Validation): boolean {
  const { script_sha256: hash, script_executable: executable } = scriptFacts(script);
  return hash === delegated.script_sha256 && executable === (delegated.script_executable ?? executable);
}

/**
 * Differs for a script that was replaced or overwritten even for a while, which a hash alone does not show. Nothing for
 * one that can't be read.
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
 * The script to run, and whether it is the job's own and was changed since.
 * @param given absolute path; absent for the job's own
 * @throws MamError `bad_input` where there is none, or it can't be read
 */
export function scriptOf(own: Validation | undefined, given: string | undefined) {
  const script = given ?? own?.script;
  if (script === undefined) {
    const what = 'The job was delegated without a validation script.';
    throw new MamError('bad_input', what, 'Name one: validate (`--validate SCRIPT`).');
  }
  scriptHash(script);
  const changed = own !== undefined && script === own.script && !isAsDelegated(own);
  return { script, ...(changed && { script_changed: true as const }) };
}
