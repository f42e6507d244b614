import { setImmediate as nextTurn } from 'node:timers/promises';

/** How many items are done at once: some ms, if each needs a call of the system. */
const PIECE = 500;

/** Does something quick with each of many items; after each piece of them, whatever waits has its turn. @returns the results, in order */
export async function inPieces<T, R>(items: readonly T[], act: (item: T) => R): Promise<R[]> {
  const results: R[] = [];
  for (const [at, item] of items.entries()) {
    if (at > 0 && at % PIECE === 0) await nextTurn();
    results.push(act(item));
  }
  return results;
}
