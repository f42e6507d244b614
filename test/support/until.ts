const LOOK_MS = 5;
/** How often the usual time is waited for what is due: a busy machine runs the real agents many times slower. */
export const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? 1);

/**
 * Waits until a condition gives something.
 * @param what for the error
 * @throws after `ms` milliseconds
 */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 8_000 * PATIENCE,
): Promise<T> {
  for (const end = Date.now() + ms; ; ) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(LOOK_MS);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
