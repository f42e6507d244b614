import { describe, expect, test } from 'vitest';
import { foldDelivery } from '../../src/view/delivery.ts';
import { timeline } from '../../src/view/timeline.ts';
import { Story } from '../job/story.ts';

/** A story's log in one line each. @param from leaves out what is before it */
function log(told: Story, from = 0): string[] {
  const entries = timeline(told.journal.slice(from), told.record);
  return foldDelivery(entries, told.record).map(({ type, evidence, what }) =>
    [what, type, evidence].filter(Boolean).join(' '),
  );
}

/** The events of a story are a second apart. */
const DELIVERED = 'delivered in 2.0 s, after 1.0 s in the queue';

describe('the stages of a delivery in one line', () => {
  test('say how long it took', () => {
    const told = new Story();
    for (const type of ['pasting', 'visible', 'submitted'] as const) told.next(type);
    told.next('started', { source: 'peer' });
    expect(log(told)).toEqual([DELIVERED, 'started']);
    // Also where the first events are not there.
    expect(log(told, 2)).toEqual([DELIVERED, 'started']);
  });

  test('say how far it got, until something proves that it arrived', () => {
    const told = new Story();
    expect(log(told)).toEqual(['queued']);
    told.next('pasting');
    expect(log(told)).toEqual(['pasting not seen in the pane yet']);
    told.next('visible');
    expect(log(told)).toEqual(['visible in the input box, not submitted yet']);
    told.next('started', { source: 'peer' });
    expect(log(told)).toEqual([DELIVERED, 'started']);
  });

  test('do not name a wait that is none', () => {
    const told = new Story();
    const at = (ms: number): { recorded_at: string } => ({
      recorded_at: new Date(Date.parse(told.record.created_at) + ms).toISOString(),
    });
    told.next('pasting', at(2)).next('visible', at(8)).next('submitted', at(18));
    expect(log(told)).toEqual(['delivered in 18 ms']);
  });

  test('keep what happened in between', () => {
    const told = new Story();
    told.next('blocked', { data: { by: 'busy' } });
    told.next('unblocked');
    told.next('pasting');
    told.next('delivery_unverified', { detail: 'It may not have arrived.' });
    expect(log(told)).toEqual([
      'blocked',
      'unblocked',
      'pasting not seen in the pane yet',
      'delivery_unverified',
    ]);
  });

  test('of a message to the peer are a line of their own', () => {
    const told = new Story();
    for (const type of ['pasting', 'visible', 'submitted'] as const) told.next(type);
    told.next('pasting', { data: { what: 'messages' } });
    told.next('submitted', { data: { what: 'messages', count: 1 } });
    expect(log(told)).toEqual([DELIVERED, 'messages delivered in 1.0 s']);
  });
});
