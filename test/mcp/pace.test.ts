import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Glance, Pace } from '../../src/mcp/offers/pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A resource whose looks take a while, at most one at a time. */
function resource(lookMs = 10) {
  const seen: Glance & { looks: number; told: string[]; fails: boolean } = {
    ...{ print: 'a', looks: 0, fails: false, againMs: undefined },
    told: [],
  };
  let looking = false;
  const look = async (): Promise<Glance> => {
    expect(looking).toBe(false);
    looking = true;
    seen.looks++;
    const { print } = seen;
    await new Promise((done) => setTimeout(done, lookMs));
    looking = false;
    if (seen.fails) throw new Error('no hub');
    return { print, againMs: seen.againMs };
  };
  const pace = new Pace(look, async () => void seen.told.push(seen.print));
  const begin = async () => {
    const begun = pace.begin();
    await vi.advanceTimersByTimeAsync(1_000);
    await begun;
  };
  return { seen, pace, begin };
}

test('what happens during a look causes another look, and only a change is reported', async () => {
  const { seen, pace, begin } = resource(100);
  await begin();
  pace.touch();
  await vi.advanceTimersByTimeAsync(50);
  // The current look does not see this any more.
  seen.print = 'b';
  pace.touch();
  pace.touch();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen).toMatchObject({ looks: 3, told: ['b'] });
  pace.touch();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen).toMatchObject({ looks: 4, told: ['b'] });
});

test('a thousand touches a second are four looks', async () => {
  const { seen, pace, begin } = resource(1);
  await begin();
  for (let ms = 0; ms < 1_000; ms++) {
    seen.print = String(ms);
    pace.touch();
    await vi.advanceTimersByTimeAsync(1);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.told.length).toBeGreaterThanOrEqual(3);
  expect(seen.told.length).toBeLessThanOrEqual(5);
  expect(seen.told.at(-1)).toBe('999');
});

test('a look that fails is repeated, and so is one that asks for it, until the end', async () => {
  const { seen, pace, begin } = resource();
  await begin();
  seen.fails = true;
  seen.print = 'b';
  pace.touch();
  await vi.advanceTimersByTimeAsync(500);
  expect(seen.told).toEqual([]);
  seen.fails = false;
  seen.againMs = 1_000;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.told).toEqual(['b']);
  const { looks } = seen;
  await vi.advanceTimersByTimeAsync(5_500);
  expect(seen.looks - looks).toBe(5);
  pace.end();
  seen.print = 'c';
  pace.touch();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(seen.told).toEqual(['b']);
});

test('a clock that is set back delays no look', async () => {
  const { seen, pace, begin } = resource();
  await begin();
  vi.setSystemTime(Date.now() - 3_600_000);
  seen.print = 'b';
  pace.touch();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.told).toEqual(['b']);
  pace.end();
});
