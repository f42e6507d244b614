import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Backoff } from '../../../src/hub/mesh/wire/backoff.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** The pauses before the next attempts, in ms, when each fails at once. */
async function pauses(count: number, isUnreached: boolean, backoff = new Backoff()): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    await new Promise<void>((attempt) => {
      backoff.next(attempt, isUnreached);
      vi.runOnlyPendingTimers();
    });
    found.push(performance.now() - began);
  }
  return found;
}

test('for a minute, a link that is down is tried so often that its return is noticed at once', async () => {
  const found = await pauses(70, true);
  expect(Math.max(...found)).toBeLessThanOrEqual(750);
});

test('a link that stays down is tried less and less', async () => {
  const backoff = new Backoff();
  await pauses(120, true, backoff);
  expect(backoff.isEarly).toBe(false);
  const found = await pauses(10, true, backoff);
  expect(found.at(-1)).toBeGreaterThanOrEqual(30_000);
});

test('whoever refuses is not asked again so soon', async () => {
  const found = await pauses(4, false);
  expect(found.map((ms, n) => ms >= 1_000 * 2 ** n && ms <= 1_500 * 2 ** n)).toEqual([
    true,
    true,
    true,
    true,
  ]);
});
