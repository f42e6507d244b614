import { type ErrorCode, MamError } from '../../base/errors.ts';

const plain = new WeakSet<Error>();

/** An error that may be told to another host as it is: it names no other job, no pane and no path. */
export function plainError(code: ErrorCode, message: string, hint: string): MamError {
  const error = new MamError(code, message, hint);
  plain.add(error);
  return error;
}

/** True for an error of `plainError`. */
export function isPlain(error: unknown): error is MamError {
  return error instanceof MamError && plain.has(error);
}
