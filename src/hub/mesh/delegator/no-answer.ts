import { MamError } from '../../../base/errors.ts';

/** Another hub has not answered in time: it may have done what it was asked for, or do it still, or never. */
export class NoAnswer extends MamError {
  /** What tells it from other errors, since those match by their name. */
  readonly isUnanswered = true;

  /** @param afterMs how long this hub has waited */
  constructor(host: string, afterMs: number, what: string) {
    super(
      'unavailable',
      `${host} has not answered within ${Math.round(afterMs / 1000)} s, so it is not known whether ${what}.`,
      `\`mam hosts check ${host}\` shows whether it can be reached. Look at the job or the agent once it is, before you try again.`,
    );
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof MamError && (value as Partial<NoAnswer>).isUnanswered === true;
  }
}
