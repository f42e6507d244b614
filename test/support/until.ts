/** The first pause between two looks, in ms; each further one is a little longer, so that a long wait costs little. */
const FIRST_MS = 4;
const LONGER = 1.25;
const LONGEST_MS = 60;
/** A slow look, such as one that starts a program, is followed by a pause this many times as long. */
const TIMES_LOOK = 2;

/** The factor by which waits are longer on this machine; see `measurePatience`. */
export const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? 1);
/** The time limit of a wait, in ms: only what never comes takes that long. */
const DUE_MS = 15_000 * PATIENCE;

/**
 * Waits until a condition returns a truthy value; throwing, as for a missing file, counts as false.
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
