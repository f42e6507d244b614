import { describe, expect, test } from 'vitest';
import { apply, isSettled, needsAttention } from '../../src/job/apply.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { isWakePending, wakeLine } from '../../src/job/wake.ts';
import { REPORT_TYPES } from '../../src/job/words.ts';
import { jobView } from '../../src/view/job.ts';
import { ORDER, Story, timeOf, VALIDATION } from './story.ts';

/** A row of SEMANTICS, section 3: a story and its outcome. */
type Row = [name: string, story: () => Story, leads: Partial<JobRecord>, absent?: (keyof JobRecord)[]];

const passed = { data: { passed: true, exit_code: 0, output_tail: 'ok' } };
const failed = { data: { passed: false, exit_code: 7, output_tail: 'no' } };
const blocked = (by: string, waited?: boolean) =>
  new Story().next('blocked', { data: { by, ...(waited && { waited }) } });
/** The peer has said something, and an answer to it is blocked. */
const kept = (by: string) =>
  Story.working()
    .next('progress', { detail: 'half done' })
    .next('answered', { detail: 'go on' })
    .next('blocked', { detail: 'my words', data: { what: 'messages', by, waited: true } });
const validating = () => Story.working({ validation: VALIDATION }).next('completed', { detail: 'first' });
const asks = (id = 'q1') => Story.working().next('question', { event_id: id, detail: 'tin?' });
const permission = (source: 'hook' | 'peer' = 'hook') =>
  Story.working().next('permission_required', { event_id: 'p1', detail: 'rm?', source });

/** After these events, in order: a job whose peer works, and one that waits for its pane. */
const after = (story: Story, types: string[]) => types.reduce((told, type) => told.next(type), story);
const working = (...types: string[]) => after(Story.working(), types);
const queued = (...types: string[]) => after(new Story(), types);

const QUEUED: Row[] = [
  ['new: queued', () => new Story(), { status: 'queued', phase: 'queued', wake_seq: 0 }, ['submitted_at']],
  [
    'submitted: working',
    () => queued('pasting', 'visible', 'submitted'),
    { status: 'working', phase: 'submitted', submitted_at: timeOf(4) },
  ],
  ['visible: still queued', () => queued('pasting', 'visible'), { status: 'queued', phase: 'visible' }],
  ...(['started', 'progress', 'question', 'permission_required'] as const).map(
    (type): Row => [
      `a peer's ${type} before any paste: it leaves the queue, its clocks run`,
      () => new Story().next('blocked', { data: { by: 'dialog' } }).next(type),
      {
        status: type === 'started' || type === 'progress' ? 'working' : 'input_required',
        submitted_at: timeOf(3),
      },
      ['blocked_by'],
    ],
  ),
  [
    'completed before started: fine',
    () => new Story().next('completed', { detail: 'done' }),
    { status: 'completed', detail: 'done', final_at: timeOf(2) },
  ],
  [
    'pane gone',
    () => new Story().next('session_lost', { detail: 'gone' }),
    { status: 'failed', reason: 'session_lost', detail: 'gone', wake_seq: 2 },
  ],
  [
    'an obstacle: stays queued, blocked_by names it, nobody wakes',
    () => new Story().next('blocked', { data: { by: 'dialog' } }),
    { status: 'queued', blocked_by: 'dialog', wake_seq: 0 },
  ],
  [
    'an obstacle that needs someone: waiters wake',
    () => new Story().next('blocked', { data: { by: 'dialog', waited: true } }),
    { status: 'queued', blocked_by: 'dialog', held_up: true, wake_seq: 2 },
  ],
  [
    'the same one, reported again: nobody wakes twice',
    () => blocked('dialog', true).next('blocked', { detail: 'Sure?', data: { by: 'dialog', waited: true } }),
    { blocked_by: 'dialog', held_up: true, detail: 'Sure?', wake_seq: 2 },
  ],
  [
    'another one after it: waiters wake when that needs someone, too',
    () =>
      blocked('dialog', true)
        .next('blocked', { data: { by: 'draft' } })
        .next('blocked', { data: { by: 'draft', waited: true } }),
    { blocked_by: 'draft', held_up: true, wake_seq: 4 },
  ],
  [
    'a turn of the agent after it: it needs nobody any more',
    () => blocked('dialog', true).next('blocked', { data: { by: 'busy' } }),
    { blocked_by: 'busy', wake_seq: 2 },
    ['held_up'],
  ],
  [
    'pasted after it: it needs nobody any more',
    () => blocked('draft', true).next('pasting'),
    { status: 'queued', phase: 'pasting' },
    ['held_up', 'blocked_by'],
  ],
  [
    'pasted after it: what was said of it is over, too',
    () => new Story().next('blocked', { detail: 'copy mode', data: { by: 'copy_mode' } }).next('pasting'),
    { phase: 'pasting' },
    ['detail'],
  ],
  [
    'taken by the peer behind it: what was said of it is over',
    () =>
      new Story()
        .next('blocked', { detail: 'copy mode', data: { by: 'copy_mode' } })
        .next('started', { detail: 'hello' }),
    { status: 'working' },
    ['detail'],
  ],
  [
    'a text for the peer that is kept: it needs someone, until it is typed, and the words of the peer stand',
    () => kept('draft'),
    {
      ...{ status: 'working', blocked_by: 'draft', blocked_what: 'messages', held_up: true },
      ...{ blocked_evidence: 'my words', detail: 'half done', wake_seq: 8 },
    },
  ],
  [
    'typed after it: it needs nobody any more',
    () => kept('draft').next('pasting', { data: { what: 'messages' } }),
    { status: 'working', detail: 'half done', wake_seq: 8 },
    ['blocked_by', 'blocked_what', 'blocked_evidence', 'held_up'],
  ],
  [
    'a permission behind it: that is decided first',
    () => kept('draft').next('permission_required', { source: 'hook', detail: 'rm' }),
    { status: 'input_required', reason: 'permission', wake_seq: 9 },
    ['blocked_by', 'held_up'],
  ],
  [
    'fetched by the peer: nothing is kept',
    () => kept('draft').next('progress'),
    { status: 'working', messages: [], detail: 'half done' },
    ['blocked_by', 'held_up'],
  ],
  [
    'silent behind it: both stand',
    () => kept('draft').next('stalled'),
    { status: 'input_required', reason: 'stalled', blocked_by: 'draft', held_up: true },
  ],
  [
    'cancelled behind it: those words do not describe the job',
    () => new Story().next('blocked', { detail: 'copy mode', data: { by: 'copy_mode' } }).next('cancelled'),
    { status: 'cancelled' },
    ['detail'],
  ],
  [
    'the peer speaks behind it: its words stand, even where they are the same',
    () =>
      new Story()
        .next('blocked', { detail: 'copy mode', data: { by: 'copy_mode' } })
        .next('progress', { detail: 'copy mode' }),
    { status: 'working', detail: 'copy mode' },
  ],
  [
    'the peer has spoken: its words outlast the hand-over',
    () => new Story().next('progress', { detail: 'at it' }).next('submitted'),
    { status: 'working', detail: 'at it' },
  ],
  [
    'tmux was silent until the paste: that stands',
    () => new Story().next('pasting').next('blocked', { data: { by: 'unreachable', unless_pasted: true } }),
    { status: 'queued', phase: 'pasting' },
    ['held_up', 'blocked_by'],
  ],
  [
    'blocked after the paste was announced: nothing was pasted',
    () => new Story().next('pasting').next('blocked', { data: { by: 'copy_mode' } }),
    { status: 'queued', phase: 'queued', delivery: [{ stage: 'queued', at: timeOf(1) }] },
  ],
  [
    'blocked, reported after the peer took the job: no change',
    () => new Story().next('started').next('blocked', { data: { by: 'dialog' } }),
    { status: 'working', phase: 'started' },
    ['blocked_by'],
  ],
  [
    'cancelled: taken out',
    () => new Story().next('blocked', { data: { by: 'dialog' } }).next('cancelled', { detail: 'no' }),
    { status: 'cancelled', detail: 'no', final_at: timeOf(3) },
    ['blocked_by', 'submitted_at', 'reason'],
  ],
];

const ATTENTION: Row[] = [
  [
    'no started in 90 s',
    () => new Story().next('submitted').next('delivery_unverified', { detail: 'silence' }),
    { status: 'input_required', reason: 'delivery_unverified', detail: 'silence' },
  ],
  [
    'the hub died between pasting and submitted',
    () => queued('pasting', 'delivery_unverified'),
    { status: 'input_required', reason: 'delivery_unverified' },
  ],
  [
    'delivery_unverified, any peer event: working, and its clocks run',
    () => queued('pasting', 'delivery_unverified', 'progress'),
    { status: 'working', attention: [], submitted_at: timeOf(4) },
    ['reason'],
  ],
  ['question', asks, { status: 'input_required', reason: 'question', wake_seq: 6 }],
  [
    'question, its answer: working',
    () => asks().next('answered', { data: { request_id: 'q1', decision: 'tin' } }),
    { status: 'working', attention: [] },
    ['reason'],
  ],
  [
    'question, another answer: still asked',
    () => asks().next('answered', { data: { request_id: 'q0' } }),
    { status: 'input_required', reason: 'question' },
  ],
  ['question, a peer event: working', () => asks().next('progress'), { status: 'working', attention: [] }],
  [
    'question, an event of a hook: still asked',
    () => asks().next('turn_ended'),
    { status: 'input_required', reason: 'question' },
  ],
  ['permission', permission, { status: 'input_required', reason: 'permission' }],
  [
    'permission of a hook, a later peer event: still needed',
    () => permission().next('progress'),
    { status: 'input_required', reason: 'permission' },
  ],
  [
    'permission, that request resolved: working',
    () => permission().next('permission_resolved', { data: { request_id: 'p1', decision: 'allow' } }),
    { status: 'working', attention: [] },
    ['reason'],
  ],
  [
    'permission, another resolved: still needed',
    () => permission().next('permission_resolved', { data: { request_id: 'p0' } }),
    { status: 'input_required', reason: 'permission' },
  ],
  ['stalled', () => working('stalled'), { status: 'input_required', reason: 'stalled', wake_seq: 6 }],
  [
    'stalled, output: working, and the words for it are gone',
    () => Story.working().next('stalled', { detail: 'silent' }).next('resumed'),
    { status: 'working', attention: [], wake_seq: 6 },
    ['detail'],
  ],
  [
    'stalled, cancelled: that it was silent is not a reason',
    () => Story.working().next('stalled', { detail: 'silent' }).next('cancelled'),
    { status: 'cancelled' },
    ['detail'],
  ],
  [
    'a dialog, gone from the screen: nobody has to answer it any more',
    () => permission().next('permission_resolved', { data: { request_id: 'p1' } }),
    { status: 'working' },
    ['detail'],
  ],
  ['stalled, any event: working', () => working('stalled', 'progress'), { status: 'working' }],
  ['stalled, a hook event: working', () => working('stalled', 'permission_resolved'), { status: 'working' }],
  ['turn_ended', () => working('turn_ended'), { status: 'input_required', reason: 'turn_ended' }],
  ['turn_ended, a peer event: working', () => working('turn_ended', 'progress'), { status: 'working' }],
  ['turn_ended, output: still ended', () => working('turn_ended', 'resumed'), { reason: 'turn_ended' }],
  ['rate_limited', () => working('rate_limited'), { status: 'input_required', reason: 'rate_limited' }],
  ['rate_limited, activity: working', () => working('rate_limited', 'resumed'), { status: 'working' }],
];

const ENDS: Row[] = [
  [
    'completed without validate',
    () => Story.working().next('completed', { detail: 'done', result: 'tight', files: ['a'] }),
    { status: 'completed', detail: 'done', result: 'tight', files: ['a'], late: false, wake_seq: 6 },
    ['reason'],
  ],
  [
    'completed while it needs attention',
    () => asks().next('completed'),
    { status: 'completed', attention: [] },
    ['reason'],
  ],
  [
    'error',
    () => Story.working().next('error', { detail: 'no tin' }),
    { status: 'failed', reason: 'agent_error', detail: 'no tin', late: false },
  ],
  ['cancelled', () => Story.working().next('cancelled'), { status: 'cancelled', wake_seq: 6 }],
  [
    'timeout, in input_required too',
    () => asks().next('timeout'),
    { status: 'failed', reason: 'timeout', attention: [] },
  ],
  ['pane dead', () => Story.working().next('session_lost'), { status: 'failed', reason: 'session_lost' }],
  [
    'completed with validate',
    validating,
    { status: 'working', phase: 'validating', detail: 'first', wake_seq: 0 },
    ['final_at'],
  ],
  [
    'validating, passes',
    () => validating().next('validated', passed),
    {
      ...{ status: 'completed', late: false, phase: 'started' },
      validation: { ...VALIDATION, passed: true, exit_code: 0, rounds: 1, output_tail: 'ok' },
    },
  ],
  [
    'validating, fails',
    () => validating().next('validated', failed),
    {
      ...{ status: 'failed', reason: 'validation_failed' },
      validation: { ...VALIDATION, passed: false, exit_code: 7, rounds: 1, output_tail: 'no' },
    },
  ],
  [
    'validating, completed again: no change',
    () => validating().next('completed', { detail: 'second' }),
    { status: 'working', phase: 'validating', detail: 'first' },
  ],
  [
    'validating, error',
    () => validating().next('error', { detail: 'wrong' }),
    { status: 'failed', reason: 'agent_error', detail: 'wrong', phase: 'started' },
  ],
  ['validating, cancelled', () => validating().next('cancelled'), { status: 'cancelled', phase: 'started' }],
  [
    'validating, timeout: the check goes on',
    () => validating().next('timeout'),
    { status: 'failed', reason: 'timeout', phase: 'validating' },
  ],
  [
    'validating, timeout, passes: completed late',
    () => validating().next('timeout').next('validated', passed),
    { status: 'completed', late: true },
  ],
];

const LATE: Row[] = [
  ...(['timeout', 'session_lost', 'delivery_failed'] as const).flatMap((reason): Row[] => [
    [
      `${reason}, a late completed`,
      () => Story.working().next(reason).next('completed', { detail: 'done' }),
      { status: 'completed', late: true, detail: 'done', wake_seq: 7, final_at: timeOf(7) },
      ['reason'],
    ],
    [
      `${reason}, a late error`,
      () => Story.working().next(reason).next('error', { detail: 'no' }),
      { status: 'failed', reason: 'agent_error', late: true, detail: 'no', wake_seq: 7 },
    ],
    [
      `${reason}, a late completed is validated: passes`,
      () =>
        Story.working({ validation: VALIDATION }).next(reason).next('completed').next('validated', passed),
      { status: 'completed', late: true, wake_seq: 8 },
    ],
    [
      `${reason}, a late completed is validated: fails`,
      () =>
        Story.working({ validation: VALIDATION }).next(reason).next('completed').next('validated', failed),
      { status: 'failed', reason: 'validation_failed', late: true },
    ],
    [
      `${reason}, progress: no change`,
      () => Story.working().next(reason).next('progress', { detail: 'x' }),
      { status: 'failed', reason, late: false, wake_seq: 6 },
    ],
    [
      `${reason}, cancelled: no change`,
      () => Story.working().next(reason).next('cancelled'),
      { status: 'failed', reason },
    ],
  ]),
];

describe.each([
  ['from queued', QUEUED],
  ['attention', ATTENTION],
  ['the ends', ENDS],
  ['what comes late', LATE],
])('%s', (_, rows) => {
  test.each(rows)('%s', (_name, story, leads, absent = []) => {
    const { record } = story();
    expect(record).toMatchObject(leads);
    for (const field of absent) expect(record[field]).toBeUndefined();
  });
});

describe('what is final for good', () => {
  const ENDINGS: [string, () => Story][] = [
    ['completed', () => Story.working().next('completed', { detail: 'first' })],
    ['cancelled', () => Story.working().next('cancelled', { detail: 'first' })],
    ['agent_error', () => Story.working().next('error', { detail: 'first' })],
    ['validation_failed', () => validating().next('validated', failed)],
  ];
  const EVENTS = [
    ...[...REPORT_TYPES, 'turn_ended', 'stalled'],
    ...[
      'resumed',
      'validated',
      'session_lost',
      'timeout',
      'cancelled',
      'answered',
      'submitted',
      'blocked',
      'unheard_of',
    ],
  ];
  test.each(ENDINGS.flatMap(([name, story]) => EVENTS.map((type) => [name, type, story] as const)))(
    '%s, then %s: no change',
    (_, type, story) => {
      const before = story().record;
      const after = story().next(type, { detail: 'later', ...passed }).record;
      expect({ ...after, seq: 0, last_sign_of_life_at: '' }).toEqual({
        ...before,
        seq: 0,
        last_sign_of_life_at: '',
      });
    },
  );
});

test('several reasons at once: permission > question > rate_limited > turn_ended > stalled', () => {
  const story = Story.working();
  for (const [type, top] of [
    ['stalled', 'stalled'],
    ['turn_ended', 'turn_ended'],
    ['rate_limited', 'rate_limited'],
  ] as const) {
    // Hooks of one kind only, so that none takes back another.
    expect(story.next(type, { source: 'hub' }).record.reason).toBe(top);
  }
  story.next('permission_required', { source: 'hook', event_id: 'p1' });
  expect(story.record.reason).toBe('permission');
  story.next('question', { source: 'hook', event_id: 'q1' });
  expect(story.record.reason).toBe('permission');
  expect(story.record.attention).toEqual(['permission', 'question', 'rate_limited', 'turn_ended']);
  story.next('permission_resolved', { data: { request_id: 'p1' } });
  expect(story.record.reason).toBe('question');
});

test('a waiter is woken once for each thing that it must know', () => {
  const story = Story.working();
  const wakes = [
    story.next('progress').record.wake_seq,
    story.next('question').record.wake_seq,
    story.next('question').record.wake_seq,
    story.next('progress').record.wake_seq,
    story.next('stalled').record.wake_seq,
    story.next('stalled').record.wake_seq,
    story.next('resumed').record.wake_seq,
    story.next('completed').record.wake_seq,
    story.next('completed').record.wake_seq,
  ];
  expect(wakes).toEqual([0, 7, 8, 8, 10, 10, 10, 13, 13]);
});

test('the receipt names each stage once, with its time and evidence', () => {
  const story = new Story()
    .next('pasting')
    .next('visible', { data: { evidence: 'on the screen' } })
    .next('submitted', { data: { evidence: 'box is empty' } })
    .next('started')
    .next('started');
  expect(story.record.delivery).toEqual([
    { stage: 'queued', at: timeOf(1) },
    { stage: 'pasting', at: timeOf(2) },
    { stage: 'visible', at: timeOf(3), evidence: 'on the screen' },
    { stage: 'submitted', at: timeOf(4), evidence: 'box is empty' },
    { stage: 'started', at: timeOf(5), evidence: 'peer' },
  ]);
  expect(story.record.started_at).toBe(timeOf(5));
});

test('a phase never moves back: submitted after an early started', () => {
  const { record } = new Story().next('started').next('submitted');
  expect(record.phase).toBe('started');
  expect(record.submitted_at).toBe(timeOf(2));
});

test('activity is what others do, not what the hub or the supervisor does', () => {
  const story = Story.working();
  expect(story.next('timeout').record.last_sign_of_life_at).toBe(timeOf(5));
  expect(Story.working().next('cancelled').record.last_sign_of_life_at).toBe(timeOf(5));
  expect(Story.working().next('turn_ended').record.last_sign_of_life_at).toBe(timeOf(6));
});

test('a supervisor is notified in its pane of what keeps a job from its pane', () => {
  const record = { ...blocked('draft', true).record, notify: {} as JobRecord['notify'] };
  expect(isWakePending(record)).toBe(true);
  expect(wakeLine([record])).toContain('needs you (its pane has a text in its input box)');
  expect(isWakePending({ ...record, held_up: false })).toBe(false);
});

test('needsAttention and isSettled', () => {
  expect(needsAttention(new Story().record)).toBe(false);
  expect(needsAttention(new Story().next('blocked', { data: { by: 'dialog' } }).record)).toBe(false);
  expect(needsAttention(new Story().next('blocked', { data: { by: 'dialog', waited: true } }).record)).toBe(
    true,
  );
  expect(needsAttention(asks().record)).toBe(true);
  expect(isSettled(asks().record)).toBe(false);
  expect(isSettled(validating().record)).toBe(false);
  expect(isSettled(validating().next('timeout').record)).toBe(false);
  expect(isSettled(validating().next('timeout').next('validated', passed).record)).toBe(true);
});

test.each<[string, () => Story]>([
  ['queued', () => new Story()],
  ['asking', () => asks()],
  ['stalled', () => Story.working().next('stalled')],
  ['being checked', () => validating()],
  ['lost', () => Story.working().next('session_lost')],
  ['completed', () => Story.working().next('completed')],
])('a check by hand changes nothing of a job that is %s', (_, story) => {
  for (const source of ['person', 'supervisor'] as const) {
    const before = story().record;
    const { record } = story().next('verified', { source, ...failed });
    expect(record).toEqual({ ...before, seq: before.seq + 1 });
  }
});

test('that its work was merged and its worktree removed changes nothing else of a job, and wakes nobody', () => {
  const story = Story.working().next('completed');
  const before = story.record;
  story.next('merged', { source: 'person', data: { into: 'main', commit: 'c0ffee' } });
  const { record } = story.next('discarded', { source: 'person', data: { branch: 'mam/x', commit: 'feed' } });
  expect(record).toEqual({
    ...before,
    seq: before.seq + 2,
    merged: { into: 'main', commit: 'c0ffee', at: expect.any(String) },
    discarded: { at: expect.any(String), commit: 'feed' },
  });
});

test('a journal that does not start with the order is refused', () => {
  const event = {
    seq: 1,
    event_id: 'e',
    job_id: ORDER.job_id,
    at: '',
    recorded_at: '',
    source: 'hub' as const,
  };
  expect(() => apply(undefined, { ...event, type: 'started' })).toThrow("not with the job's order");
  expect(() => apply(undefined, { ...event, type: 'queued' })).toThrow("not with the job's order");
});

test('a message that arrives while others are typed is still to be typed', () => {
  const story = new Story().next('submitted').next('started');
  story.next('answered', { detail: 'first' });
  story.next('pasting', { data: { what: 'messages' } });
  story.next('answered', { detail: 'second' });
  story.next('submitted', { data: { what: 'messages', count: 1, about: 1 } });
  expect(story.record.messages).toEqual([expect.stringContaining('second')]);
  expect(story.record.messages_announced).toBe(0);
  // For a text too long to type, only its existence was announced, together with all others by then.
  story.next('answered', { detail: 'third' });
  story.next('submitted', { data: { what: 'messages', count: 0, about: 2 } });
  expect(story.record.messages).toHaveLength(2);
  expect(story.record.messages_announced).toBe(2);
});

test('an open request stays in the record, however many come after it', () => {
  const asked = { source: 'hook', event_id: 'rm', detail: 'Bash: rm' } as const;
  const job = Story.working().next('permission_required', asked);
  for (let i = 0; i < 30; i++) job.next('question', { detail: `question ${i}` });
  expect(job.record).toMatchObject({ status: 'input_required', reason: 'permission' });
  expect(job.record.requests).toHaveLength(20);
  expect(job.record.requests[0]).toMatchObject({ request_id: 'rm' });
  expect(jobView(job.record).requests).toMatchObject([
    { request_id: 'rm' },
    ...[26, 27, 28, 29].map((i) => ({ text: `question ${i}` })),
  ]);
  job.next('permission_resolved', { data: { request_id: 'rm', decision: 'allow' } });
  job.next('question', { detail: 'the last' });
  expect(job.record.requests).toHaveLength(20);
  expect(job.record.reason).toBe('question');
  expect(job.record.requests[0]).toMatchObject({ text: 'question 11' });
});

test('open requests end at forty', () => {
  const job = Story.working();
  for (let i = 0; i < 60; i++) job.next('permission_required', { source: 'hook', detail: `rm ${i}` });
  expect(job.record.requests.filter(({ resolved_at }) => resolved_at === undefined)).toHaveLength(40);
  expect(job.record.requests.at(-1)).toMatchObject({ text: 'rm 59' });
});

test('a new conversation is in the receipt, changes no stage, and is over when another turn begins in it', () => {
  const what = 'new_conversation';
  const stages = ({ delivery }: JobRecord) => delivery.map(({ stage }) => stage);
  const job = new Story({ fresh: true }).next('pasting', { data: { what } });
  expect(job.record).toMatchObject({ status: 'queued', phase: 'queued', typing_now: what });
  job.next('submitted', { data: { what, evidence: 'it left the box' } });
  expect(job.record).toMatchObject({ status: 'queued', phase: 'queued' });
  expect(job.record.submitted_at).toBeUndefined();
  job.next(what, { data: { evidence: 'seen' } });
  expect(job.record).toMatchObject({ status: 'queued', phase: 'queued' });
  expect(job.record.delivery.at(-1)).toMatchObject({ stage: what, evidence: 'seen' });
  job.next('blocked', { data: { by: 'draft' } });
  expect(stages(job.record)).toEqual(['queued', what]);
  job.next('blocked', { data: { by: 'busy' } });
  expect(stages(job.record)).toEqual(['queued']);
  job.next(what).next('pasting').next('visible').next('submitted');
  expect(job.record).toMatchObject({ status: 'working', phase: 'submitted' });
  expect(stages(job.record)).toEqual(['queued', what, 'pasting', 'visible', 'submitted']);
});
