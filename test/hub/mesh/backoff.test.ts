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

test('a link that is down is tried so often that its return is noticed at once', async () => {
  const found = await pauses(70, true);
  expect(Math.max(...found)).toBeLessThanOrEqual(1_500);
});

test('the longer a link stays down, the less it is tried: its return is noticed late by a small share of that', async () => {
  const backoff = new Backoff();
  const before = await pauses(200, true, backoff);
  const away = before.reduce((all, ms) => all + ms, 0);
  expect(away).toBeGreaterThan(180_000);
  const [next = 0] = await pauses(1, true, backoff);
  expect(next / away).toBeGreaterThanOrEqual(0.019);
  expect(next / away).toBeLessThanOrEqual(0.031);
  const late = await pauses(300, true, backoff);
  expect(late.at(-1)).toBeGreaterThanOrEqual(30_000);
  expect(late.at(-1)).toBeLessThanOrEqual(45_000);
});

test('many hosts come back one after the other, however soon the link is back', async () => {
  const found = await pauses(20, true, new Backoff(() => 1_000));
  expect(Math.max(...found) - Math.min(...found)).toBeGreaterThan(10_000);
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

test('whoever ends each connection right away is not asked again so soon, until one has held', async () => {
  const backoff = new Backoff();
  /** The pause after a connection that lasts for `ms`. */
  const after = async (ms: number): Promise<number> => {
    backoff.connected();
    vi.advanceTimersByTime(ms);
    const [pause = 0] = await pauses(1, true, backoff);
    return pause;
  };
  const found: number[] = [];
  for (let n = 0; n < 6; n++) found.push(await after(100));
  expect(found.at(0)).toBeLessThanOrEqual(1_500);
  expect(found.at(-1)).toBeGreaterThanOrEqual(30_000);
  expect(await after(10_000)).toBeLessThanOrEqual(600);
  expect(await after(100)).toBeLessThanOrEqual(1_500);
});
