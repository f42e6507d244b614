/** What a function returns, or something else where it throws: for a look at what may not be there. */
export function orElse<T, E>(run: () => T, otherwise: E): T | E {
  try {
    return run();
  } catch {
    return otherwise;
  }
}
