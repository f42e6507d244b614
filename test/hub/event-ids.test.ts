import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventIds } from '../../src/hub/jobs/event-ids.ts';

const found = (ids: EventIds, id: string) => [...ids.withHashOf(id)];

test('every added id is found with its number, however many there are, and no other id', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 200 }), fc.string(), (added, other) => {
      const ids = new EventIds();
      for (const [n, id] of added.entries()) ids.add(id, n + 1);
      for (const [n, id] of added.entries()) expect(found(ids, id)).toEqual([n + 1]);
      if (!added.includes(other)) expect(found(ids, other)).toEqual([]);
      ids.clear();
      for (const id of added) expect(found(ids, id)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test('a hundred thousand ids as publishers make them have distinct hashes, in 4 MB', () => {
  const ids = new EventIds();
  const id = (n: number) => `server-${n % 50}-abcd1234-${n}`;
  for (let n = 1; n <= 100_000; n++) ids.add(id(n), n);
  for (let n = 1; n <= 100_000; n++) expect(found(ids, id(n))).toEqual([n]);
  expect(ids.bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
});
