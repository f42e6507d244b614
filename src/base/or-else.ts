/** What a function returns, or something else where it throws: for looking at what may be missing. */
export function orElse<T, E>(run: () => T, otherwise: E): T | E {
  try {
    return run();
  } catch {
    return otherwise;
  }
}
