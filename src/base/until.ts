const POLL_MS = 10;

/** Waits for a condition that nothing signals. @returns whether it became true in time */
export async function until(condition: () => boolean, milliseconds: number): Promise<boolean> {
  for (const end = performance.now() + milliseconds; !condition(); ) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
