import { ERROR_CODES, MamError } from '../base/errors.ts';
import type { Reply } from '../operations/request.ts';

/** The hub's error reply as a `MamError`; an unknown code becomes `internal`. */
export function asMamError({ code, message, hint }: NonNullable<Reply['error']>): MamError {
  return new MamError(ERROR_CODES.find((known) => known === code) ?? 'internal', message, hint);
}
