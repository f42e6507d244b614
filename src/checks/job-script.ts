import { MamError } from '../base/errors.ts';
import type { Validation } from '../job/record.ts';
import { isAsDelegated, scriptHash } from './script-hash.ts';

/**
 * The script that is meant, and whether it is the job's own and was changed since.
 * @param given absolute path; absent for the job's own
 * @throws MamError `bad_input` where there is none, or it can't be read
 */
export function scriptOf(
  own: Validation | undefined,
  given: string | undefined,
): { script: string; script_changed?: true } {
  const script = given ?? own?.script;
  if (script === undefined) {
    throw new MamError(
      'bad_input',
      'The job was delegated without a validation script.',
      'Name one: validate (`--validate SCRIPT`).',
    );
  }
  scriptHash(script);
  const changed = own !== undefined && script === own.script && !isAsDelegated(own);
  return { script, ...(changed && { script_changed: true }) };
}
