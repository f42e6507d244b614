/** After a failure the next try waits for this time, in ms: what fails at once must not be asked without end. */
const RETRY_MS = 1_000;

/**
 * Work of which one piece is under way at a time.
 * @param done called after each piece: looks whether there is more to do by then
 * @returns begins a piece, unless one is under way: that one's end is the next occasion
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
