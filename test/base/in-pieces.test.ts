import { expect, test } from 'vitest';
import { inPieces } from '../../src/base/in-pieces.ts';

test('whatever waits has its turn while many items are done, and the results keep their order', async () => {
  const items = Array.from({ length: 1_200 }, (_, at) => at);
  let done = 0;
  const seen: number[] = [];
  const look = (): void => {
    if (done < items.length) setImmediate(look);
    seen.push(done);
  };
  setImmediate(look);
  const results = await inPieces(items, (item) => {
    done++;
    return item * 2;
  });
  expect(results).toEqual(items.map((item) => item * 2));
  expect(seen.filter((at) => at > 0 && at < items.length).length).toBeGreaterThan(0);
});
