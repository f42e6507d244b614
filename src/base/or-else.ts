/** What a function returns, or a fallback if it throws: for reading what may be missing. */
export function orElse<T, E>(run: () => T, otherwise: E): T | E {
  try {
    return run();
  } catch {
    return otherwise;
  }
}
