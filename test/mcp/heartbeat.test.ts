import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogMessage } from '../../src/operations/request.ts';
import { Heartbeat } from '../../src/tool/heartbeat.ts';

let told: string[];
let heartbeat: Heartbeat;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  heartbeat = new Heartbeat((message) => told.push(message), 'job roof-1');
});
afterEach(() => {
  heartbeat.end();
  vi.useRealTimers();
});

const event = (detail: string) =>
  ({ status: 'working', event: { job_id: 'roof-1', type: 'progress', detail } }) as unknown as LogMessage;

test('silence is reported every ten seconds, far below the 60 s of OpenCode', () => {
  vi.advanceTimersByTime(30_000);
  expect(told).toEqual([10, 20, 30].map((seconds) => `Waiting for job roof-1, ${seconds} s`));
});

test('an event is reported immediately, a burst once a second with its latest', () => {
  heartbeat.heard(event('one'));
  expect(told).toEqual(['Waiting for job roof-1, 0 s; roof-1 is working, last event progress: one']);
  for (let i = 0; i < 1_000; i++) heartbeat.heard(event(`${i}`));
  vi.advanceTimersByTime(999);
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(told.slice(1)).toEqual(['Waiting for job roof-1, 1 s; roof-1 is working, last event progress: 999']);
});

test('foreign text is cleaned and cut', () => {
  heartbeat.heard(event(`\u001b[31mred\u001b[0m\n${'x'.repeat(500)}`));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  expect(told[0]).not.toMatch(/[\u0000-\u001f]/);
  expect(told[0]?.length).toBeLessThan(220);
});

test('after the end nothing is reported', () => {
  heartbeat.heard(event('one'));
  heartbeat.heard(event('two'));
  heartbeat.end();
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(1);
});
