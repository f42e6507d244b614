import { expect, test } from 'vitest';
import { needOf } from '../../src/job/apply.ts';
import type { JobHome } from '../../src/job/home.ts';
import { isLost, reasonOf } from '../../src/job/home-state.ts';
import { rankOf } from '../../src/job/rank.ts';

const HERE: JobHome = { host: 'hostb', state: 'following', online: true, episode: 0 };
const AWAY: JobHome = { ...HERE, online: false, offline_since: '2026-11-30T14:03:00.000Z', episode: 1 };
const GONE: JobHome = { ...AWAY, state: 'lost' };

test.each([
  ['a job whose host is away', 'working', undefined, AWAY, 'host_offline'],
  ['one that also asks something', 'input_required', 'question', AWAY, 'host_offline'],
  ['one whose host is there', 'working', undefined, HERE, undefined],
  ['one that asks, and whose host is there', 'input_required', 'question', HERE, 'question'],
  ['a lost job', 'working', undefined, GONE, undefined],
  ['one that has ended', 'completed', undefined, AWAY, undefined],
] as const)('%s', (_, status, reason, home, need) => {
  expect(needOf({ status, home, ...(reason && { reason }) })).toBe(need);
});

test('what it needs of its host comes before its own reason, and nothing comes after a loss', () => {
  expect(reasonOf({ status: 'input_required', reason: 'question', home: AWAY })).toBe('host_offline');
  expect(reasonOf({ status: 'working', home: GONE })).toBe('lost');
  expect(reasonOf({ status: 'failed', reason: 'timeout', home: GONE })).toBe('timeout');
  expect(isLost({ home: GONE })).toBe(true);
  expect(rankOf({ status: 'working', reason: 'lost' })).toBe('ended');
});
