import { describe, expect, test } from 'vitest';
import { apply, needOf, needsAttention } from '../../src/job/apply.ts';
import { addUsage, spentTokens } from '../../src/job/usage.ts';
import { Story } from './story.ts';

const used = (input_tokens: number, output_tokens: number, cached_tokens = 0) => ({
  ...{ models: ['m'], input_tokens, output_tokens, cached_tokens, source: 'transcript' },
});
const uses = (story: Story, ...counts: Parameters<typeof used>) =>
  story.next('usage', { detail: 'more than that', data: { usage: used(...counts) } });

describe('what a job has used', () => {
  test('is in its record, also after its end, and is no activity and no news', () => {
    const story = uses(Story.working(), 100, 10);
    const { usage, last_sign_of_life_at: alive, wake_seq } = story.record;
    expect(usage).toEqual(used(100, 10));
    story.next('completed');
    const ended = story.record;
    const after = uses(story, 200, 20).record;
    expect(after.usage).toEqual(used(200, 20));
    expect(after).toMatchObject({ status: 'completed', wake_seq: ended.wake_seq, late: false });
    expect(wake_seq).toBe(0);
    expect(alive).toBe(Story.working().record.last_sign_of_life_at);
  });

  test('from another version is taken as far as it is counts', () => {
    for (const usage of [7, null, {}, { ...used(1, 1), input_tokens: '9' }, { ...used(1, 1), models: 'm' }])
      expect(Story.working().next('usage', { data: { usage } }).record.usage).toBeUndefined();
    const many = { ...used(1, 1), models: [...Array(50).keys(), 'x'.repeat(999)].map(String) };
    const { models = [] } = Story.working().next('usage', { data: { usage: many } }).record.usage ?? {};
    expect(models.length).toBeLessThanOrEqual(20);
  });

  test('counts against its budget without what came from a cache', () => {
    expect(spentTokens(used(1_000, 20, 900))).toBe(120);
    expect(addUsage(used(1, 2, 1), { ...used(10, 20), models: ['n'] })).toEqual({
      ...used(11, 22, 1),
      models: ['m', 'n'],
    });
    expect(uses(Story.working({ max_tokens: 120 }), 1_000, 20, 900).record.status).toBe('working');
  });
});

describe('a job that passes max_tokens', () => {
  const over = () => uses(Story.working({ max_tokens: 100 }), 90, 11);

  test('needs someone, with the reason, and nothing of it ends', () => {
    const { record } = over();
    expect(record).toMatchObject({
      status: 'input_required',
      reason: 'over_budget',
      detail: 'more than that',
    });
    expect(record.wake_seq).toBe(record.seq);
    expect(needsAttention(record)).toBe(true);
    // The peer goes on, and does not make the reason go away.
    const told = over().next('progress', { detail: 'half done' }).record;
    expect(told).toMatchObject({ reason: 'over_budget', detail: 'half done' });
    expect(over().next('completed').record).toMatchObject({ status: 'completed', attention: [] });
  });

  test('asks once: an answer settles it, and more tokens raise nothing', () => {
    const answered = over().next('answered', { detail: 'Come to an end.' });
    expect(answered.record).toMatchObject({ status: 'working', messages: [expect.stringContaining('end')] });
    expect(answered.record.detail).toBeUndefined();
    expect(uses(answered, 900, 11).record).toMatchObject({ status: 'working', usage: used(900, 11) });
  });

  test('needs a decision about a permission first; that settles both', () => {
    const asked = over().next('permission_required', { event_id: 'p1', source: 'hook', detail: 'rm?' });
    expect(needOf(asked.record)).toBe('permission');
    const decided = asked.next('answered', { data: { request_id: 'p1', decision: 'allow' } });
    expect(decided.record.attention).toEqual(['permission']);
  });

  test('while its work is being checked, or after its end, asks nothing', () => {
    const validation = { script: '/w/check.sh', script_sha256: 'y', rounds: 0 };
    const checked = Story.working({ max_tokens: 100, validation }).next('completed');
    expect(uses(checked, 500, 1).record).toMatchObject({ phase: 'validating', attention: [] });
    expect(uses(Story.working({ max_tokens: 100 }).next('completed'), 500, 1).record.attention).toEqual([]);
  });
});

describe('the conversation of a job', () => {
  const conversation = { agent: 'codex', id: 'c1', transcript: '/t.jsonl', from: 40 };

  test('is in its record; with another one, what was used before it is kept', () => {
    const story = uses(Story.working().next('conversation', { data: { conversation } }), 100, 10);
    expect(story.record).toMatchObject({ conversation, status: 'working' });
    expect(story.record.usage_before).toBeUndefined();
    const other = { ...conversation, id: 'c2', from: 0 };
    const { record } = story.next('conversation', { data: { conversation: other } });
    expect(record).toMatchObject({ conversation: other, usage_before: used(100, 10) });
  });

  test('opened again after the loss of its agent: the job has that pane, and a late report counts', () => {
    const lost = Story.working().next('conversation', { data: { conversation } }).next('session_lost');
    const agent_session = { socket: '/s', session: 'codex', window: 0, pane: '%9', session_created: 1 };
    const agent_process = { pid: 7, start: '1', command: 'codex', pane_pid: 7 };
    lost.next('conversation', { data: { conversation, agent_session, agent_process } });
    expect(lost.record).toMatchObject({
      status: 'failed',
      reason: 'session_lost',
      agent_session,
      agent_process,
    });
    const { record } = lost.next('completed', { source: 'peer', detail: 'Mended.' });
    expect(record).toMatchObject({ status: 'completed', late: true, agent_session });
  });

  test('that is none changes nothing', () => {
    const { record } = Story.working().next('conversation', { data: { conversation: { id: 7 } } });
    expect(record.conversation).toBeUndefined();
    expect(() =>
      apply(record, { ...Story.working().journal[0], type: 'usage', seq: 9 } as never),
    ).not.toThrow();
  });
});
