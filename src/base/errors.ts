/** Stable codes for programs; the message is for people. */
export const ERROR_CODES = [
  'bad_input',
  'not_found',
  'refused',
  'conflict',
  'unreachable',
  'unavailable',
  'io',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * An expected failure. `message` says what failed and why; `hint` says the exact next step with the valid values.
 * Neither carries a stack, a secret or unchecked foreign text.
 */
export class MamError extends Error {
  override readonly name = 'MamError';
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint = '', options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  /** Each bundle in dist/ has its own copy of this class; errors from another copy match too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'MamError';
  }

  /** Message and hint together, for a person or a model. */
  get text(): string {
    return this.hint === '' ? this.message : `${this.message} ${this.hint}`;
  }
}

/** The text of any failure: that of a `MamError`, or the message of an unexpected error. */
export function explain(error: unknown): string {
  if (error instanceof MamError) return error.text;
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
