import { EventEmitter } from 'node:events';
import type { MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pulse } from '../../src/bus/pulse.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** A connection whose other side answers each question after `tripMs`; undefined: it is dead. */
class Fake extends EventEmitter {
  tripMs: number | undefined;
  asked = 0;
  isClosed = false;
  readonly stream = { destroy: () => this.close() };

  constructor(tripMs?: number) {
    super();
    this.tripMs = tripMs;
  }

  sendPing(): void {
    this.asked++;
    const { tripMs } = this;
    if (tripMs === undefined) return;
    setTimeout(() => {
      if (!this.isClosed) this.emit('packetreceive', { cmd: 'pingresp' });
    }, tripMs);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.emit('close');
  }
}

function watched(pulse: Pulse, fake: Fake): Fake {
  pulse.watch(fake as unknown as MqttClient);
  return fake;
}

test('a dead connection is closed within 3 s, and one that answers stays', () => {
  const pulse = new Pulse();
  const alive = watched(pulse, new Fake(100));
  vi.advanceTimersByTime(60_000);
  expect(alive.isClosed).toBe(false);
  alive.tripMs = undefined;
  vi.advanceTimersByTime(3_200);
  expect(alive.isClosed).toBe(true);
  expect(pulse.hasGivenUp).toBe(true);
});

test('whatever comes is a sign of life', () => {
  const fake = watched(new Pulse(), new Fake());
  for (let ms = 0; ms < 20_000; ms += 500) {
    vi.advanceTimersByTime(500);
    fake.emit('packetreceive', { cmd: 'publish' });
  }
  expect(fake.isClosed).toBe(false);
});

test('a way that is slow, not dead, is given up a few times at most', () => {
  const pulse = new Pulse();
  let lost = 0;
  let fake = watched(pulse, new Fake(7_000));
  for (let s = 0; s < 600; s++) {
    vi.advanceTimersByTime(1_000);
    if (!fake.isClosed) continue;
    lost++;
    fake = watched(pulse, new Fake(7_000));
  }
  expect(lost).toBe(2);
});

test('a short cut does not make it patient with the next one', () => {
  const fake = watched(new Pulse(), new Fake(10));
  vi.advanceTimersByTime(5_000);
  fake.tripMs = 1_900;
  vi.advanceTimersByTime(2_900);
  fake.tripMs = 10;
  vi.advanceTimersByTime(1_100);
  fake.tripMs = undefined;
  vi.advanceTimersByTime(3_200);
  expect(fake.isClosed).toBe(true);
});

test('a process that was stopped does not take the other side for dead', () => {
  const fake = watched(new Pulse(), new Fake());
  vi.advanceTimersByTime(1_100);
  expect(fake.asked).toBe(1);
  // Nothing ran for 10 s: neither timers nor whatever has come.
  const now = performance.now() + 10_000;
  const spy = vi.spyOn(performance, 'now').mockReturnValue(now);
  vi.advanceTimersToNextTimer();
  spy.mockRestore();
  expect(fake.isClosed).toBe(false);
  expect(fake.asked).toBe(2);
});

test('a connection that has ended is not asked', () => {
  const fake = watched(new Pulse(), new Fake());
  fake.close();
  vi.advanceTimersByTime(60_000);
  expect(fake.asked).toBe(0);
});
