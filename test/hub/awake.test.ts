import { describe, expect, test } from 'vitest';
import { AwakeClock, monotonic } from '../../src/base/awake.ts';
import { JobClock } from '../../src/hub/jobs/job-clock.ts';
import type { JobRecord } from '../../src/job/record.ts';

describe('the clock of limits', () => {
  test('pauses during a gap, and briefly after it', () => {
    let at = 1_000;
    const clock = new AwakeClock(() => at);
    const later = (ms: number): number => {
      at += ms;
      return clock.now();
    };
    expect(later(500)).toBe(500);
    expect(later(1_900)).toBe(2_400);
    // The machine sleeps.
    expect(later(30_000)).toBe(2_400);
    expect(later(1_500)).toBe(2_400);
    expect(later(1_500)).toBe(2_400);
    expect(later(1_900)).toBe(2_400);
    expect(later(600)).toBe(2_900);
  });

  test('continues if short gaps repeat', () => {
    let at = 0;
    const clock = new AwakeClock(() => at);
    for (let n = 0; n < 60; n++) {
      at += 2_200;
      clock.now();
      at += 1_000;
      clock.now();
    }
    // About half of the minute that it was awake.
    expect(clock.now()).toBeGreaterThan(25_000);
    expect(clock.now()).toBeLessThan(40_000);
  });
});

describe("a job's clocks in the next hub", () => {
  const boot = new JobClock().mark().boot;
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  const record = (submitted?: string) => ({ submitted_at: submitted }) as JobRecord;
  const resumed = (...given: Parameters<JobClock['resume']>): JobClock => {
    const clock = new JobClock();
    clock.resume(...given);
    return clock;
  };

  test('use the wall clock if nothing else is known', () => {
    const clock = resumed(record(ago(40_000)), ago(10_000), undefined);
    expect(clock.spent).toBeCloseTo(40_000, -3);
    expect(clock.quiet).toBeCloseTo(10_000, -3);
    expect(resumed(record(undefined), ago(0), undefined).spent).toBeUndefined();
  });

  test('keep running if the time of the last event is in the future', () => {
    const clock = resumed(record(ago(-3_600_000)), ago(-3_600_000), undefined);
    expect(clock.spent).toBeCloseTo(0, -3);
    expect(clock.quiet).toBeCloseTo(0, -3);
  });

  test.for([
    ['forward', 86_400_000],
    ['back', -86_400_000],
  ] as const)('don’t see that the clock was set %s while no hub ran', ([, set]) => {
    // The hub wrote this 60 s ago; since then the wall clock was set.
    const wall = Date.now() - 60_000 - set;
    const mark = { boot, mono: monotonic() - 60_000, wall, quiet: 0 };
    const later = (ms: number) => new Date(wall + ms).toISOString();
    const clock = resumed(record(later(10_000)), later(20_000), mark);
    expect(clock.spent).toBeCloseTo(50_000, -3);
    expect(clock.quiet).toBeCloseTo(40_000, -3);
  });

  test('count from what was known when the clock was set', () => {
    const mark = { boot, mono: monotonic() - 5_000, wall: Date.now() - 5_000, spent: 30_000, quiet: 7_000 };
    const clock = resumed(record(ago(90_000_000)), ago(90_000_000), mark);
    expect(clock.spent).toBeCloseTo(35_000, -3);
    expect(clock.quiet).toBeCloseTo(12_000, -3);
  });
});
