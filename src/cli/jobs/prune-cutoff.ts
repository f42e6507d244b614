import { MamError } from '../../base/errors.ts';

/** In ms. */
const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/**
 * The time before which a job must have ended to be pruned.
 * @param age such as `36h`, `30d`, `8w`; or an ISO date, with a time or without (then the start of that day here)
 * @param now in ms since 1970
 * @returns ISO 8601
 * @throws MamError `bad_input` for anything else, and for a future time
 */
export function cutoffOf(age: string, now: number): string {
  const [, number, unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)([hdw])$/.exec(age.trim()) ?? [];
  const at = number === undefined ? dateOf(age.trim()) : now - Number(number) * (UNITS[unit] ?? 0);
  if (Number.isNaN(at) || at < 0) throw badAge('That is neither an age nor a date.');
  if (at > now) throw badAge('That date is in the future.');
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

function badAge(what: string): MamError {
  return new MamError('bad_input', what, 'Give --older-than 36h, 30d or 8w, or a date such as 2026-10-31.');
}
