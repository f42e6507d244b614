import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Greetings } from '../../../src/hub/mesh/greetings.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

const hello = { v: 1, protocol: 1, epoch: '2026-01-01T00:00:00.000Z', reply: false };

function greeter(): { greetings: Greetings; said: string[] } {
  const said: string[] = [];
  const say = (): string => {
    const now = new Date(Date.UTC(2026, 0, 1) + said.length).toISOString();
    said.push(now);
    return now;
  };
  return { greetings: new Greetings({ peers: () => 1, say }), said };
}

test('a host that says it is there and gone a thousand times is not greeted a thousand times', () => {
  const { greetings, said } = greeter();
  for (let n = 0; n < 1_000; n++) {
    greetings.expect('hostb');
    greetings.drop('hostb');
  }
  expect(said.length).toBeLessThan(20);
  greetings.expect('hostb');
  const before = said.length;
  vi.advanceTimersByTime(1_100);
  greetings.tick();
  expect(said).toHaveLength(before + 1);
  // The answer to the last one is still known.
  expect(greetings.back('hostb', { ...hello, now: hello.epoch, echo: said.at(-1) ?? '' })).toBeDefined();
});

test('a host that answers is greeted at once, however often', () => {
  const { greetings, said } = greeter();
  for (let n = 1; n <= 100; n++) {
    greetings.plan('hostb');
    expect(said).toHaveLength(n);
    greetings.back('hostb', { ...hello, now: hello.epoch, echo: said.at(-1) ?? '' });
  }
});
