import { expect, test } from 'vitest';
import { recordSchema } from '../../src/job/record.ts';
import { Story } from './story.ts';

const CONVERSATION = { agent: 'codex', id: 'x', from: 0 };
const SESSION = { socket: '/tmp/a', session: 's', window: 0, pane: '%1', session_created: 1 };

/** What a host may send in an event of a job that it has. */
const HOSTILE: readonly (readonly [type: string, data: object])[] = [
  ['changes', { changes: { top: 7 } }],
  ['changes', { changes: { top: '/a', commits: [{ id: 1 }] } }],
  ['changes', { changes: [] }],
  ['overlaps', { overlaps: {} }],
  ['overlaps', { overlaps: [{ job_id: 'a', files: 'b', count: 1 }] }],
  ['overlaps', { overlaps: [null] }],
  ['queued', { agent_session: { pane: 3 } }],
  ['queued', { agent_session: SESSION, agent_process: { pid: 'x' } }],
  ['queued', { peer_server: 'yes' }],
  ['conversation', { conversation: { ...CONVERSATION, from: 0.5 } }],
  ['conversation', { conversation: { ...CONVERSATION, from: -1 } }],
  ['conversation', { conversation: { ...CONVERSATION, id: {} } }],
  ['conversation', { conversation: CONVERSATION, agent_session: {}, agent_process: [] }],
  [
    'usage',
    { usage: { models: [{}], input_tokens: 1e308, output_tokens: 1, cached_tokens: 1, source: 's' } },
  ],
  ['notified', { seq: 1e308, how: 'typed' }],
  ['notified', { seq: 0.5, how: 'typed' }],
  ['submitted', { what: 'messages', count: 0.5, about: 1e300 }],
];

test.each(HOSTILE)('a record stays valid whatever its home says (%s %j)', (type, data) => {
  const { record } = Story.working().next(type, { data });
  expect(recordSchema.safeParse(record).error?.issues).toBeUndefined();
});

test('what does not fit replaces nothing, and what this version does not know is left out', () => {
  const changes = { top: '/a', start: { at: 'then', head: 'c0ffee' } };
  const story = Story.working().next('changes', { data: { changes: { ...changes, more: 'x'.repeat(999) } } });
  expect(story.record.changes).toEqual(changes);
  expect(story.next('changes', { data: { changes: { top: {} } as never } }).record.changes).toEqual(changes);
});

test('only the steps of a job can have passed, and each of them once', () => {
  const story = new Story({ prepares: ['after', 'pool'] });
  for (const prepared of ['after', 'after', 'x'.repeat(3_000), 'pool', 'after'])
    story.next('prepared', { data: { prepared } });
  expect(story.record.prepared).toEqual(['after', 'pool']);
});
