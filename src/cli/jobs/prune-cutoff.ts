import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';

/** In ms. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 },
};
const GIVEN_CHARS = 40;

/**
 * The time before which a job must have ended to be pruned.
 * @param age such as `90s`, `5m`, `36h`, `30d`, `8w`; or an ISO date, with a time or without (then the start of that day here)
 * @param now in ms since 1970
 * @returns ISO 8601
 * @throws MamError `bad_input` for anything else, and for a future time
 */
export function cutoffOf(age: string, now: number): string {
  const [, number, unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/.exec(age.trim()) ?? [];
  const at = number === undefined ? dateOf(age.trim()) : now - Number(number) * (UNITS[unit] ?? 0);
  if (Number.isNaN(at) || at < 0) throw badAge(age, 'is neither an age nor a date');
  if (at > now) throw badAge(age, 'is in the future');
  return new Date(at).toISOString();
}

function dateOf(text: string): number {
  const [date] = /^\d{4}-\d{2}-\d{2}/.exec(text) ?? [];
  if (date === undefined) return Number.NaN;
  // Date.parse reads 31 February as 3 March, and a date without a time as UTC.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, date.length) !== date) return Number.NaN;
  return Date.parse(text === date ? `${date}T00:00:00` : text);
}

function badAge(given: string, what: string): MamError {
  return new MamError(
    'bad_input',
    `--older-than "${cleanLine(given, GIVEN_CHARS)}" ${what}.`,
    'Give an age in s, m, h, d or w, such as 5m or 30d, or a date such as 2026-10-31.',
  );
}
