/** The delay after a failure, in ms: a request that fails immediately must not be repeated without pause. */
const RETRY_MS = 1_000;

/**
 * Runs work one piece at a time.
 * @param done called after each piece: checks whether there is more to do by then
 * @returns a function that starts a piece, unless one is running: `done` is then the next chance
 */
export function lane(
  work: () => Promise<void>,
  failed: (error: unknown) => void,
  done: () => void,
): () => void {
  let isBusy = false;
  const free = (): void => {
    isBusy = false;
    done();
  };
  return () => {
    if (isBusy) return;
    isBusy = true;
    work().then(free, (error: unknown) => {
      failed(error);
      setTimeout(free, RETRY_MS).unref();
    });
  };
}
