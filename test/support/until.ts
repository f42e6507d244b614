/** The first pause between two looks, in ms; each next one is a little longer, so that a long wait costs little. */
const FIRST_MS = 4;
const LONGER = 1.25;
const LONGEST_MS = 60;
/** A look that takes long, such as one by a program that is started for it, is followed by a pause of so many times. */
const TIMES_LOOK = 2;

/** How many times the usual time is waited for what is due; see `measurePatience`. */
export const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? 1);
/** Only what never comes is waited for so long, in ms. */
const DUE_MS = 15_000 * PATIENCE;

/**
 * Waits until a condition gives something; one that throws, as for a file that is not there yet, gives nothing.
 * @param what for the error
 * @throws after `ms` milliseconds, with what the condition threw last
 */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | null | 0 | '' | Promise<T | undefined | false | null | 0 | ''>,
  ms = DUE_MS,
): Promise<T> {
  const end = Date.now() + ms;
  for (let rest = FIRST_MS, last: unknown; ; rest = Math.min(LONGEST_MS, rest * LONGER)) {
    const began = performance.now();
    try {
      const found = await condition();
      if (found) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      const why = last instanceof Error ? ` (${last.message})` : '';
      throw new Error(`not within ${Math.round(ms)} ms: ${what}${why}`, { cause: last });
    }
    await pause(Math.max(rest, TIMES_LOOK * (performance.now() - began)));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
