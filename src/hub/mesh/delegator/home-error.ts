import { type ErrorCode, MamError } from '../../../base/errors.ts';

/** What another hub has refused, in its own words: an error of this hub says nothing about that one. */
export class HomeError extends MamError {
  /** The hub that said so. */
  readonly saidBy: string;

  constructor(host: string, code: ErrorCode, message: string, hint: string) {
    super(code, `on ${host}: ${message}`, hint);
    this.saidBy = host;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof MamError && (value as Partial<HomeError>).saidBy !== undefined;
  }
}

/** True if the host itself said that it does not have what it was asked for: an error of this hub says nothing of it. */
export function isUnknownThere(error: unknown): boolean {
  return error instanceof HomeError && error.code === 'not_found';
}
