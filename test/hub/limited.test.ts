import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { limited } from '../../src/base/limited.ts';

/** Two reports of an end: by the other signal, and by the time. */
function reports(ms: number): { other: AbortController; ended: Promise<boolean> } {
  const other = new AbortController();
  const signal = limited(other.signal, ms);
  const ended = new Promise<boolean>((resolve) => {
    signal.addEventListener('abort', () => resolve(true), { once: true });
  });
  return { other, ended };
}

test('a time limit ends also what the garbage collector has looked at', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { ended } = reports(300);
  await nextTurn();
  collect();
  expect(await ended).toBe(true);
});

test('the other signal ends it before its time', async () => {
  const { other, ended } = reports(1_000_000);
  other.abort();
  expect(await ended).toBe(true);
  expect(limited(AbortSignal.abort(), 1_000_000).aborted).toBe(true);
});

test('nothing of it stays at a signal that lives longer', async () => {
  const { signal } = new AbortController();
  const removed = vi.spyOn(signal, 'removeEventListener');
  const over = limited(signal, 10);
  await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  expect(removed).toHaveBeenCalledWith('abort', expect.any(Function));
});
