import { MamError } from '../base/errors.ts';

/** True for a report that ends the work: only there a result and files belong to it. */
export function takesResult(type: string): boolean {
  return type === 'completed' || type === 'error';
}

/** @param what was given, as the caller calls it @param type of the report that takes none */
export function noResult(what: string, type: string): MamError {
  return new MamError(
    'bad_input',
    `${what} counts only with completed or error, not with ${type}.`,
    'Leave it out, and give it with the report of the end.',
  );
}
