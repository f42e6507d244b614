import { MamError } from '../base/errors.ts';
import type { Reply } from '../operations/request.ts';

const CODES = [
  'bad_input',
  'not_found',
  'refused',
  'conflict',
  'unreachable',
  'unavailable',
  'io',
  'internal',
] as const;

/** The hub's error reply as an error of ours; an unknown code becomes `internal`. */
export function asMamError(error: NonNullable<Reply['error']>): MamError {
  const code = CODES.find((known) => known === error.code) ?? 'internal';
  return new MamError(code, error.message, error.hint);
}
