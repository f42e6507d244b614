import { describe, expect, test } from 'vitest';
import { press } from '../../src/boards/terminal/keys.ts';
import { reduce, wantsMore } from '../../src/boards/terminal/reduce.ts';
import { initialState, type State, shownIds } from '../../src/boards/terminal/state.ts';
import type { JobRow } from '../../src/job/row.ts';
import type { LogMessage } from '../../src/operations/request.ts';

const REGISTRY = '/registry';
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 22, 10, minute)).toISOString();

/** A job that was made at this minute. */
function row(id: string, minute: number, more: Partial<JobRow> = {}): JobRow {
  const made = { job_id: id, agent: 'command', status: 'working', phase: 'started', prompt_preview: id };
  return { ...made, created_at: at(minute), ...more };
}

const asks = (id: string, made: number, since: number): JobRow =>
  row(id, made, {
    status: 'input_required',
    reason: 'question',
    needs_you: true,
    last_sign_of_life_at: at(since),
  });
const ended = (id: string, made: number, end: number): JobRow =>
  row(id, made, { status: 'completed', final_at: at(end) });

function start(): State {
  const size = { columns: 80, rows: 24 };
  return initialState({ size, now: 0, coloured: true, registryDir: REGISTRY, cwd: '/work', which: 'all' });
}

function list(state: State, which: 'open' | 'all', jobs: JobRow[], cursor?: string): State {
  return reduce(state, { type: 'listed', which, first: true, page: { jobs, cursor, total: 9 } });
}

function hear(state: State, id: string, minute: number, standing: Partial<LogMessage>): State {
  const event = {
    seq: 2,
    event_id: `${id}-${minute}`,
    job_id: id,
    type: 'progress',
    source: 'peer',
  } as const;
  const message = { event: { ...event, at: at(minute), recorded_at: at(minute) }, phase: 'started' };
  return reduce(state, { type: 'heard', messages: [{ ...message, status: 'working', ...standing }] });
}
const asking = { status: 'input_required', reason: 'question', needs_you: true } as const;

const OPEN = [
  asks('asks-since-5', 1, 5),
  asks('asks-since-3', 2, 3),
  row('queued', 6, { status: 'queued' }),
  row('works-since-4', 4),
  row('works-since-0', 0),
];
const ALL = [...OPEN, ended('ended-at-9', 0, 9), ended('ended-at-8', 7, 8)];
const board = (): State => list(list(start(), 'open', OPEN), 'all', ALL);

describe('the order of the board', () => {
  test('is by need: who has waited longest, who works, who queues, who has ended last', () => {
    const state = board();
    expect(shownIds(state)).toEqual([
      ...['asks-since-3', 'asks-since-5'],
      ...['works-since-4', 'works-since-0'],
      'queued',
      ...['ended-at-9', 'ended-at-8'],
    ]);
    expect(state.selected).toBe('asks-since-3');
    expect(shownIds(press(state, { text: 'o' }).state)).not.toContain('ended-at-9');
  });

  test('has the cursor on the first that asks, even on the last page of the open jobs', () => {
    let state = list(start(), 'open', [row('works', 5)], 'more');
    state = list(state, 'all', [row('works', 5)]);
    expect([wantsMore(state), state.selected]).toEqual(['open', undefined]);
    const page = { jobs: [asks('asks', 1, 2)], total: 9 };
    state = reduce(state, { type: 'listed', which: 'open', first: false, page });
    expect([shownIds(state), state.selected]).toEqual([['asks', 'works'], 'asks']);
  });

  test('moves no other job onto the cursor: the selection follows its job', () => {
    let state = press(board(), { name: 'down' }).state;
    expect(state.selected).toBe('asks-since-5');
    state = hear(state, 'works-since-0', 10, asking);
    // It has just begun to ask: it goes below those that have waited longer.
    expect(shownIds(state).slice(0, 3)).toEqual(['asks-since-3', 'asks-since-5', 'works-since-0']);
    expect(state.selected).toBe('asks-since-5');
    state = hear(state, 'asks-since-5', 11, {});
    expect(shownIds(state).indexOf('asks-since-5')).toBeGreaterThan(2);
    expect(state.selected).toBe('asks-since-5');
  });
});

test('a job calls once for each time that it begins to need someone, and not for those that already did', () => {
  let state = board();
  expect(state.jobs.calls).toBe(0);
  state = hear(state, 'works-since-4', 10, asking);
  state = hear(state, 'works-since-4', 11, { ...asking, reason: 'permission' });
  expect(state.jobs.calls).toBe(1);
  state = hear(state, 'works-since-4', 12, {});
  state = hear(state, 'works-since-4', 13, asking);
  expect(state.jobs.calls).toBe(2);
  // What began while the hub was lost is noticed when the list is read again.
  state = list(state, 'open', [asks('works-since-0', 0, 14)]);
  expect(state.jobs.calls).toBe(3);
});
