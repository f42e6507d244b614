import type { Key as InkKey } from 'ink';
import { describe, expect, test, vi } from 'vitest';
import { cut, columnsOf as widthOf, wrap } from '../../src/base/columns.ts';
import { entryWords } from '../../src/boards/model/entries.ts';
import { wordsOf } from '../../src/boards/model/rows.ts';
import { cutId, filled, shown, tail } from '../../src/boards/terminal/cells.ts';
import { canAttach } from '../../src/boards/terminal/commands.ts';
import { Feed } from '../../src/boards/terminal/feed.ts';
import { countOf } from '../../src/boards/terminal/jobs.ts';
import type { Key } from '../../src/boards/terminal/key.ts';
import { press } from '../../src/boards/terminal/keys.ts';
import { columnsOf, layoutOf } from '../../src/boards/terminal/layout.ts';
import { pressed } from '../../src/boards/terminal/pressed.ts';
import { headline, reduce, wantsMore } from '../../src/boards/terminal/reduce.ts';
import {
  type Action,
  initialState,
  layoutFor,
  type State,
  shownIds,
} from '../../src/boards/terminal/state.ts';
import { Store } from '../../src/boards/terminal/store.ts';
import type { JobRecord } from '../../src/job/record.ts';
import type { JobRow } from '../../src/job/row.ts';
import type { Link } from '../../src/link/link.ts';
import type { LogMessage } from '../../src/operations/request.ts';
import { ageText, signOf, wordOf } from '../../src/view/marks.ts';

const REGISTRY = '/registry';
const AT = '2026-11-22T10:00:00.000Z';

const row = (id: string, more: Partial<JobRow> = {}): JobRow => ({
  job_id: id,
  agent: 'command',
  status: 'working',
  phase: 'started',
  prompt_preview: `task of ${id}`,
  created_at: AT,
  ...more,
});

const message = (
  id: string,
  type: string,
  more: Partial<LogMessage['event']> = {},
  status = 'working',
  words?: string,
): LogMessage => ({
  ...(words !== undefined && { detail: words }),
  event: {
    ...{ seq: 2, event_id: `${id}-${type}`, job_id: id, type, source: 'peer' },
    ...{ at: AT, recorded_at: AT },
    ...more,
  },
  status,
  phase: 'started',
});

const start = (): State =>
  initialState({
    size: { columns: 80, rows: 24 },
    now: Date.parse(AT),
    coloured: true,
    registryDir: REGISTRY,
    cwd: '/work',
    which: 'all',
  });

/** A board with these jobs, the newest first. */
function listed(rows: JobRow[], cursor?: string, total = rows.length): State {
  const open = rows.filter((one) => one.final_at === undefined);
  const page = { jobs: rows, cursor, total };
  return [
    { which: 'open', page: { jobs: open, total } } as const,
    { which: 'all', page } as const,
  ].reduce<State>((state, part) => reduce(state, { type: 'listed', first: true, ...part }), start());
}

const many = (count: number, from = 0): JobRow[] =>
  Array.from({ length: count }, (_, index) => row(`job-${from + index}`));

function keys(state: State, ...pressed: (Key | string)[]): State {
  return pressed.reduce<State>(
    (next, key) => press(next, typeof key === 'string' ? { text: key } : key).state,
    state,
  );
}

describe('the list', () => {
  test('the first job is selected, and the selection stays on its job', () => {
    let state = listed(many(5));
    expect(state.selected).toBe('job-0');
    state = keys(state, 'j', 'j');
    const job = {
      supervisor: { client: 'cli', session: 's' },
      registry_dir: REGISTRY,
      agent: 'codex',
      prompt_preview: 'new',
    };
    const made = message('new-1', 'queued', { source: 'hub', data: { job } }, 'queued');
    state = reduce(state, { type: 'heard', messages: [made] });
    // It waits in its queue: those at work come first.
    expect(shownIds(state)).toEqual(['job-0', 'job-1', 'job-2', 'job-3', 'job-4', 'new-1']);
    expect(state).toMatchObject({ selected: 'job-2', jobs: { total: 6 } });
  });

  test('new jobs above do not move what is read further down', () => {
    let state = keys(listed(many(100)), { name: 'pageDown' }, { name: 'pageDown' });
    const { top, selected } = state;
    const supervisor = { client: 'cli', session: 's' };
    const job = { supervisor, registry_dir: REGISTRY, agent: 'codex', prompt_preview: 'new' };
    const messages = ['a', 'b'].map((id) => message(id, 'queued', { data: { job } }));
    state = reduce(state, { type: 'heard', messages });
    expect(state).toMatchObject({ selected, top: top + 2 });
  });

  test('jobs of other registries are not shown', () => {
    const job = { registry_dir: '/other', agent: 'codex', prompt_preview: 'new' };
    const before = listed(many(1));
    const messages = [message('x', 'queued', { data: { job } }), message('y', 'progress')];
    expect(reduce(before, { type: 'heard', messages })).toBe(before);
  });

  test("events change a row; the hub's words about its own work are not shown", () => {
    let state = listed(many(1));
    const words = (): string => wordsOf(state.jobs.rows.get('job-0') ?? row(''));
    for (const [heard, shows] of [
      [message('job-0', 'progress', {}, 'working', 'half \u001b[31mred'), 'half red'],
      [message('job-0', 'submitted', { detail: 'the screen changed' }), 'half red'],
      [message('job-0', 'completed', {}, 'completed', 'done'), 'done'],
    ] as const) {
      state = reduce(state, { type: 'heard', messages: [heard] });
      expect(words()).toBe(shows);
    }
    expect(countOf(state.jobs)).toMatchObject({ open: 0 });
  });

  test('a job that is kept from its pane counts as one that needs someone, until it is let in', () => {
    let state = reduce(listed(many(2)), { type: 'hub', hub: 'here' });
    const hear = (type: string, more: Partial<LogMessage>): void => {
      const told = { ...message('job-1', type, { source: 'hub', detail: 'Sure?' }, 'queued'), ...more };
      state = reduce(state, { type: 'heard', messages: [told] });
    };
    hear('blocked', { blocked_by: 'dialog' });
    expect(headline(state)).toBe('2 open · 2 jobs');
    hear('blocked', { blocked_by: 'dialog', needs_you: true });
    expect(headline(state)).toBe('2 open · 1 needs you · 2 jobs');
    const kept = state.jobs.rows.get('job-1') ?? row('');
    expect([signOf(kept), wordOf(kept)]).toEqual(['◆', 'dialog']);
    expect(press(state, { name: 'tab' } as Key).state.selected).toBe('job-1');
    hear('pasting', {});
    expect(headline(state)).toBe('2 open · 2 jobs');
  });

  test('asks for the next page before its end is on the screen, and for all of them at End', () => {
    let state = listed(many(200), 'job-199', 1000);
    expect(wantsMore(state)).toBeUndefined();
    state = keys(state, ...Array.from({ length: 20 }, (): Key => ({ name: 'pageDown' })));
    expect(wantsMore(state)).toBe('all');
    state = keys(state, { name: 'home' });
    expect(wantsMore(state)).toBeUndefined();
    state = keys(state, { name: 'end' });
    expect([wantsMore(state), state.selected]).toEqual(['all', 'job-199']);
    state = reduce(state, {
      type: 'listed',
      which: 'all',
      first: false,
      page: { jobs: many(200, 200), total: 1000 },
    });
    expect([wantsMore(state), state.selected]).toEqual([undefined, 'job-399']);
  });

  test('a filter that finds nothing yet reads on; the selection is in sight whatever happens', () => {
    let state = listed(many(200), 'job-199', 400);
    state = keys(state, '/', '7', '7');
    expect(shownIds(state)).toEqual(['job-77', 'job-177']);
    expect(state.selected).toBe('job-77');
    expect(wantsMore(state)).toBe('all');
    state = keys(state, { name: 'clear' }, { name: 'enter' });
    expect(shownIds(state)).toHaveLength(200);
    expect(77 - state.top).toBeLessThan(layoutFor(state).list.height);
    for (const rows of [5, 12, 50, 3]) {
      state = reduce(state, { type: 'resized', size: { columns: 80, rows } });
      expect(state.top).toBeLessThanOrEqual(77);
      expect(77 - state.top).toBeLessThan(layoutFor(state).list.height);
    }
  });
});

test('what kept the list from being read is told until it is read again', async () => {
  vi.useFakeTimers();
  const request = vi.fn().mockRejectedValueOnce(new Error('It is not there now.'));
  request.mockResolvedValue({ jobs: [], total: 0 });
  const link = { request, followAll: () => () => {}, onConnect: () => () => {}, onLost: () => () => {} };
  let state = initialState({
    size: { columns: 120, rows: 40 },
    now: Date.parse(AT),
    coloured: false,
    registryDir: REGISTRY,
    cwd: '/work',
    which: 'all',
  });
  const take = (action: Action): void => {
    state = reduce(state, action);
  };
  const feed = new Feed({
    link: link as unknown as Link,
    host: 'h',
    registryDir: REGISTRY,
    state: () => state,
    take,
  });
  feed.start();
  await vi.advanceTimersByTimeAsync(10);
  expect(state.note?.text).toBe('It is not there now.');
  await vi.advanceTimersByTimeAsync(1_500);
  expect(state.note).toBeUndefined();
  feed.stop();
  vi.useRealTimers();
});

describe('keys', () => {
  const asking = (text: string): State => {
    const request = { request_id: 'r1', kind: 'permission', source: 'peer', text, at: AT } as const;
    const record = { job_id: 'job-0', status: 'input_required', requests: [request] } as unknown as JobRecord;
    return reduce(listed(many(2)), { type: 'looked', detail: { jobId: 'job-0', record, events: [] } });
  };

  test('nothing is decided without Enter, and only the request that was shown', () => {
    const state = asking('rm roof');
    const shownFirst = press(state, { text: 'y' });
    expect(shownFirst.effect).toBeUndefined();
    expect(shownFirst.state.mode).toMatchObject({ kind: 'confirm', what: 'allow', text: 'rm roof' });
    expect(press(shownFirst.state, { name: 'enter' }).effect).toEqual({
      do: 'decide',
      jobId: 'job-0',
      requestId: 'r1',
      decision: 'allow',
    });
    expect(press(shownFirst.state, { text: 'y' })).toEqual({
      state: expect.objectContaining({ mode: { kind: 'list' } }),
    });
  });

  test('n denies while a permission is asked for, and N is a new job all the same', () => {
    expect(keys(asking('rm roof'), 'n').mode).toMatchObject({ kind: 'confirm', what: 'deny' });
    expect(keys(asking('rm roof'), 'N').mode.kind).toBe('form');
    expect(keys(listed(many(2)), 'n').mode.kind).toBe('form');
  });

  test('a pasted prompt keeps its lines, and what the hub refuses keeps the prompt', () => {
    let state = keys(listed(many(2)), 'N', 'Mend\r\nthe roof');
    expect(press(state, { name: 'enter' }).effect).toBeUndefined();
    state = reduce(state, { type: 'read', texts: { agents: [] } });
    const { state: sent, effect } = press(state, { name: 'enter' });
    expect(effect).toEqual({
      ...{ do: 'delegate', prompt: 'Mend\nthe roof', agent: 'human' },
      ...{ session: undefined, start: false },
    });
    // A second Enter while it is on its way makes no second job.
    expect(press(sent, { name: 'enter' }).effect).toBeUndefined();
    const refused = reduce(sent, { type: 'refused', text: 'There are too many jobs.' });
    expect(refused.mode).toMatchObject({ prompt: 'Mend\nthe roof', problem: 'There are too many jobs.' });
    expect(press(refused, { name: 'enter' }).effect).toMatchObject({ do: 'delegate' });
  });

  test('what was not read to its end is not confirmed', () => {
    const state = keys(asking('rm\n'.repeat(60)), 'n');
    expect(press(state, { name: 'enter' }).effect).toBeUndefined();
    expect(press(keys(state, { name: 'end' }), { name: 'enter' }).effect).toMatchObject({ decision: 'deny' });
  });

  test('keys that came in one piece may move, and decide nothing', () => {
    const state = asking('rm roof');
    for (const text of ['yy', 'y\r', 'cq', 'qq']) {
      const { state: next, effect } = press(state, { text });
      expect([next.mode.kind, effect]).toEqual(['list', undefined]);
    }
    expect(press(state, { text: 'jjk' }).state.selected).toBe('job-0');
    expect(press(state, { text: 'j/job' }).state).toMatchObject({ filter: 'job', mode: { kind: 'filter' } });
    expect(press(state, { text: 'rgo on\rq' }).state.mode).toMatchObject({ what: 'answer', text: 'go on q' });
  });

  test('what was typed into a line faster than it was read is taken apart', () => {
    const none = {} as InkKey;
    expect(pressed('Tinn\u007f', none)).toEqual([{ text: 'Tinn' }, { name: 'backspace' }]);
    expect(pressed('a\u0015b\u0003', none)).toEqual([
      { text: 'a' },
      { name: 'clear' },
      { text: 'b' },
      { name: 'quit' },
    ]);
    expect(pressed('yes\r', none)).toEqual([{ text: 'yes\r' }]);
    expect(pressed('', { ...none, upArrow: true })).toEqual([{ name: 'up' }]);
    expect(pressed('x', { ...none, meta: true })).toEqual([]);
  });

  test('nobody is sent to a session that has ended', () => {
    const state = asking('rm roof');
    const ended = (how: string) => {
      const { detail } = state;
      const record = {
        ...detail?.record,
        requests: [],
        session_end: { how, at: AT },
      } as unknown as JobRecord;
      return press({ ...state, detail: { jobId: 'job-0', record, events: [] } }, { name: 'enter' });
    };
    for (const how of ['ended', 'gone'])
      expect(ended(how)).toMatchObject({ state: { note: { text: expect.stringContaining('has ended') } } });
    expect(ended('taken').state.note?.text ?? '').not.toContain('has ended');
  });

  test('attaching is offered unless the session has ended or the agent is lost', () => {
    const state = asking('rm roof');
    const { detail } = state;
    const offers = (more: Partial<JobRecord>) => {
      const session = { socket: '/s', session: 'a', window: 0, pane: '%1', session_created: 1 };
      const record = { ...detail?.record, agent_session: session, ...more } as JobRecord;
      return canAttach({ ...state, detail: { jobId: 'job-0', record, events: [] } });
    };
    expect(offers({})).toBe(true);
    expect(offers({ status: 'failed', reason: 'error' })).toBe(true);
    expect(offers({ status: 'failed', reason: 'session_lost' })).toBe(false);
    expect(offers({ session_end: { how: 'ended', at: AT } })).toBe(false);
    expect(offers({ session_end: { how: 'taken', at: AT } })).toBe(true);
  });

  test('a request that was settled meanwhile closes its question', () => {
    const state = keys(asking('rm roof'), 'y');
    const record = { ...state.detail?.record, requests: [] } as unknown as JobRecord;
    const after = reduce(state, { type: 'looked', detail: { jobId: 'job-0', record, events: [] } });
    expect(after).toMatchObject({
      mode: { kind: 'list' },
      note: { text: 'That request was resolved meanwhile.' },
    });
    // The Enter that was meant for it attaches to nothing; the next one does what it says.
    const first = press(after, { name: 'enter' });
    expect(first.effect).toBeUndefined();
    expect(first.state.note).toBeUndefined();
    expect(press(first.state, { name: 'enter' }).state.note?.text ?? '').not.toContain('settled');
  });
});

describe('cells', () => {
  test('are as wide as they say, whatever stands in them', () => {
    const texts = [
      'plain',
      '한국어 텍스트',
      '🚀🚀🚀 lift off',
      'e\u0301a\u0300',
      '⚠️ 👍🏽 👩‍💻',
      '\u001b[31mred\u001b[0m\ttab',
    ];
    for (const text of texts.map(shown)) {
      for (let width = 0; width < 20; width++) {
        expect(widthOf(filled(text, width))).toBe(width);
        expect(widthOf(cutId(text, width))).toBeLessThanOrEqual(width);
        expect(widthOf(tail(text, width))).toBeLessThanOrEqual(width);
      }
    }
    expect(cut('한국어', 4)).toBe('한…');
    expect(cutId('k3f9x2ab-mend-the-roof', 15)).toBe('k3f9x2ab-mend-…');
    expect(cutId('mend-the-roof-7f3kq2ab', 15)).toBe('mend-th…f3kq2ab');
  });

  test('a text is wrapped without losing anything but blanks', () => {
    const text = 'rm -rf /the/old/roof && echo 한국어로쓴긴명령어입니다\n  then more';
    for (let width = 2; width < 40; width++) {
      const lines = wrap(text, width);
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
      expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
    }
  });

  test('ages and columns', () => {
    expect([0, 59_999, 60_000, 7_200_000, 200_000_000].map(ageText)).toEqual(['0s', '59s', '1m', '2h', '2d']);
    for (let width = 10; width < 250; width++) {
      const { status, id, agent, age, words } = columnsOf(width);
      expect(4 + status + id + agent + age + words).toBe(width);
      expect(words).toBeGreaterThanOrEqual(0);
    }
    for (let rows = 3; rows < 80; rows++) {
      for (const columns of [20, 80, 120, 200]) {
        for (const hasScreen of [true, false]) {
          const { body, list, detail, text, screen, beside, isWide } = layoutOf(
            { columns, rows },
            30,
            hasScreen,
          );
          expect(isWide ? list.height : list.height + detail.height).toBe(body);
          if (isWide) expect(list.width + 2 + detail.width).toBe(columns);
          const inner = Math.max(0, detail.height - 1);
          expect(beside ? screen.height : text.height + screen.height).toBe(inner);
          if (!hasScreen) expect(screen.height).toBe(0);
        }
      }
    }
  });
});

test.each([
  ['Bash: touch roof', { type: 'permission_required', tool: 'Bash', detail: 'Bash: touch roof' }],
  ['Bash · May I?', { type: 'permission_required', tool: 'Bash', detail: 'May I?' }],
  ['allow · 1 was pressed', { type: 'permission_resolved', decision: 'allow', evidence: '1 was pressed' }],
])('what an event says in a narrow column begins with: %s', (words, entry) => {
  const made = { seq: 1, source: 'hook', by: 'hook codex', recorded_at: 'now' } as const;
  expect(entryWords({ ...made, ...entry })).toBe(words);
});

describe('pictures', () => {
  test('time alone changes the board only where an age reads otherwise', () => {
    const state = reduce(listed(many(30)), { type: 'ticked', now: Date.parse(AT) + 61_000 });
    expect(reduce(state, { type: 'ticked', now: Date.parse(AT) + 119_000 })).toBe(state);
    expect(reduce(state, { type: 'ticked', now: Date.parse(AT) + 120_000 })).not.toBe(state);
  });

  test('a burst of events is drawn 20 times a second, its last state in the end', () => {
    vi.useFakeTimers();
    try {
      const store = new Store(listed(many(1)));
      let drawn = 0;
      store.subscribe(() => drawn++);
      for (let event = 0; event < 5_000; event++) {
        store.dispatch({
          type: 'heard',
          messages: [message('job-0', 'progress', {}, 'working', `step ${event}`)],
        });
        if (event % 5 === 0) vi.advanceTimersByTime(1);
      }
      vi.advanceTimersByTime(50);
      expect(drawn).toBeGreaterThan(15);
      expect(drawn).toBeLessThanOrEqual(22);
      expect(store.picture().jobs.rows.get('job-0')?.detail).toBe('step 4999');
    } finally {
      vi.useRealTimers();
    }
  });
});
