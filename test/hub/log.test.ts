import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fileLog } from '../../src/base/log.ts';
import { scratchFolder } from '../support/scratch.ts';

const folder = mkdtempSync(join(scratchFolder(), 'mam-log-'));
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
afterAll(() => rmSync(folder, { recursive: true }));

test('the hub’s log has a repeated line once, and then its count less and less often', () => {
  const path = join(folder, 'hub.log');
  const log = fileLog(path);
  const lines = () => readFileSync(path, 'utf8').trimEnd().split('\n');
  for (let second = 0; second < 70; second++) {
    for (let n = 0; n < 50; n++) log.error('the disk is full');
    vi.advanceTimersByTime(1_000);
  }
  log.warn('something else');
  expect(lines().map((line) => line.split(' ').slice(1).join(' '))).toEqual([
    'error the disk is full',
    'error the disk is full (499 more times)',
    'error the disk is full (1000 more times)',
    'error the disk is full (2000 more times)',
    'warn something else',
  ]);
  vi.advanceTimersByTime(1_000_000);
  log.error('the disk is full');
  expect(lines().at(-1)).toMatch(/error the disk is full$/);
});
