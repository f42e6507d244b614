import { describe, expect, test } from 'vitest';
import type { RecordedEvent } from '../../src/job/event.ts';
import { durations } from '../../src/view/durations.ts';
import { fitting, lastLines } from '../../src/view/room.ts';
import { Timeline, timeline } from '../../src/view/timeline.ts';
import { Story, VALIDATION } from '../job/story.ts';

const HASH = 'a'.repeat(64);

/** A job with events 40 ms apart. */
function story(): Story {
  const told = new Story({ validation: { ...VALIDATION } });
  told.next('pasting');
  told.next('submitted', { data: { evidence: 'the box is \x1b[31mempty\x1b[0m' } });
  told.next('started', { source: 'peer' });
  told.next('question', { source: 'peer', detail: 'Slate or tin?' });
  told.next('answered', {
    source: 'supervisor',
    detail: 'Slate',
    data: { request_id: told.journal.at(-1)?.event_id },
  });
  told.next('completed', { source: 'peer', result: 'long', texts: { result: HASH } });
  told.next('validated', { data: { passed: false, exit_code: 7, output_tail: 'no roof\n' } });
  told.next('progress', { source: 'peer', late: true, detail: 'still here' });
  told.next('submitted', { data: { what: 'messages', count: 1 } });
  return told;
}

describe('the audit log', () => {
  const { journal, record } = story();
  const entries = timeline(journal, record);
  const of = (type: string) => entries.find((entry) => entry.type === type);

  test('says who made each event', () => {
    expect(entries.map(({ by }) => by).filter((by) => by !== 'hub')).toEqual([
      `peer ${record.agent}`,
      `peer ${record.agent}`,
      `supervisor ${record.supervisor.client}`,
      `peer ${record.agent}`,
      `peer ${record.agent}`,
    ]);
  });

  test('distinguishes the stages of the delivery from what was typed later', () => {
    const [first, ...stages] = entries.filter(({ stage_ms }) => stage_ms !== undefined);
    expect([first, ...stages].map((entry) => entry?.type)).toEqual(['pasting', 'submitted', 'started']);
    for (const [index, { stage_ms }] of stages.entries()) {
      const [before, at] = [journal[index + 1], journal[index + 2]].map((event) =>
        Date.parse(event?.recorded_at ?? ''),
      );
      expect(stage_ms).toBe((at ?? 0) - (before ?? 0));
    }
    expect(of('submitted')?.evidence).toBe('the box is empty');
    expect(entries.at(-1)).toMatchObject({ type: 'submitted', what: 'messages' });
  });

  test('puts a decision next to its request, and numbers the checks', () => {
    expect(of('answered')).toMatchObject({
      request_id: of('question')?.request_id,
      about: 'Slate or tin?',
      detail: 'Slate',
    });
    expect(of('validated')).toMatchObject({
      passed: false,
      exit_code: 7,
      round: 1,
      output_tail: 'no roof\n',
    });
    expect(of('completed')?.result_file).toBe(`${record.registry_dir}/${record.job_id}/texts/${HASH}`);
    expect(of('progress')?.late).toBe(true);
  });

  test('is the same in pages, except for the number of a check', () => {
    for (let cut = 1; cut < journal.length; cut++) {
      const batches = new Timeline();
      const both = [
        ...batches.addEvents(journal.slice(0, cut), record),
        ...batches.addEvents(journal.slice(cut), record),
      ];
      expect(both).toEqual(entries);
      const page = timeline(journal.slice(cut), record);
      expect(page).toEqual(entries.slice(cut).map(({ round: _, ...entry }) => entry));
    }
  });

  test('names no file that a peer has made up', () => {
    const event: RecordedEvent = {
      ...(journal.at(-2) as RecordedEvent),
      texts: { detail: '../../../etc/passwd' },
    };
    expect(timeline([event], record)[0]?.detail_file).toBeUndefined();
  });
});

test('the durations of a job: queued, worked, never sent, open', () => {
  const { record } = story();
  const at = (ms: number) => new Date(1_000_000 + ms).toISOString();
  const job = { ...record, created_at: at(0), submitted_at: at(200), final_at: at(5_000) };
  expect(durations(job, 0)).toEqual({ queued: 200, working: 4_800, total: 5_000 });
  expect(durations({ ...job, submitted_at: undefined }, 0)).toEqual({ queued: 5_000, total: 5_000 });
  const open = durations({ ...job, final_at: undefined }, 1_009_000);
  expect(open).toEqual({ queued: 200, working: 8_800, total: 9_000 });
});

describe('what fits', () => {
  test('the first items, at least one', () => {
    expect(fitting(['aa', 'bb', 'cc'], 10)).toEqual(['aa', 'bb']);
    expect(fitting(['aa'.repeat(100), 'b'], 10)).toHaveLength(1);
    expect(fitting([], 10)).toEqual([]);
  });

  test('the last lines, whole; of one that is longer, its end', () => {
    expect(lastLines('a\nbb\ncc', 8)).toBe('bb\ncc');
    expect(lastLines('', 8)).toBe('');
    expect(lastLines('0123456789', 8)).toBe('456789');
    expect(lastLines('"'.repeat(50), 12).length).toBeLessThan(6);
    expect(lastLines('🏠'.repeat(20), 9).isWellFormed()).toBe(true);
  });
});
