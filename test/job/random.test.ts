import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JobRecord } from '../../src/job/record.ts';
import { recordSchema } from '../../src/job/record.ts';
import { AMENDABLE, isFinal, MAKERS, type Source, STATUSES } from '../../src/job/words.ts';
import { Requests } from '../../src/page/requests.ts';
import { foldJob } from '../../src/registry/fold.ts';
import { openRequest } from '../../src/view/job.ts';
import { timeline } from '../../src/view/timeline.ts';
import { ORDER, Story, VALIDATION } from './story.ts';

/** A small generator of its own, so that a failure can be seen again by its seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const TYPES = [...Object.keys(MAKERS), 'unheard_of'];
const SOURCES: readonly Source[] = ['peer', 'hook', 'person', 'supervisor', 'hub'];
const ROUNDS = 300;
const LENGTH = 40;

/** A story of random events; each by somebody who may make it, now and then by somebody who may not. */
function randomStory(
  seed: number,
  eachStep: (before: JobRecord, after: JobRecord, story: Story) => void,
): Story {
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;
  const story = next(2) === 0 ? new Story() : new Story({ validation: { ...VALIDATION } });
  for (let i = 0; i < LENGTH; i++) {
    const before = story.record;
    // Ends are rare, so that stories get somewhere.
    const type = pick(TYPES);
    if (
      ['cancelled', 'completed', 'error', 'timeout', 'session_lost', 'delivery_failed'].includes(type) &&
      next(4) > 0
    )
      continue;
    // What the hub never says of a job that it has not begun to hand over.
    const waits = before.status === 'queued' && before.phase === 'queued';
    if (waits && ['stalled', 'rate_limited', 'turn_ended', 'delivery_unverified'].includes(type)) continue;
    const source = next(10) === 0 ? pick(SOURCES) : pick(MAKERS[type] ?? SOURCES);
    const requests = before.requests.map(({ request_id }) => request_id);
    story.next(type, {
      source,
      ...(next(2) === 0 && { detail: `words ${i}` }),
      ...(next(5) === 0 && { result: 'x'.repeat(next(4_000)), files: ['a'] }),
      data: pick([
        {},
        { by: 'dialog', waited: next(2) === 0 },
        { passed: next(2) === 0, exit_code: next(3), output_tail: 'tail' },
        { request_id: requests.length > 0 ? pick(requests) : 'none', decision: 'allow' },
        { job: ORDER },
        { passed: 'yes', exit_code: 'seven', by: 7, request_id: 7 },
      ]),
    });
    eachStep(before, story.record, story);
  }
  return story;
}

describe('random events', () => {
  test('never throw, never reopen what is final, and keep the record sound', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      randomStory(seed, (before, after, story) => {
        const at = `seed ${seed}, event ${after.seq} ${story.journal.at(-1)?.type}`;
        expect(after.seq, at).toBe(before.seq + 1);
        expect(after.wake_seq, at).toBeGreaterThanOrEqual(before.wake_seq);
        expect(after.wake_seq, at).toBeLessThanOrEqual(after.seq);
        if (isFinal(before.status)) {
          expect(isFinal(after.status), at).toBe(true);
          const amendable = before.status === 'failed' && AMENDABLE.includes(before.reason ?? '');
          if (!amendable) {
            expect([after.status, after.reason, after.late, after.detail], at).toEqual([
              ...[before.status, before.reason, before.late, before.detail],
            ]);
          }
          // Only what was said late may change an end.
          if (after.status !== before.status || after.reason !== before.reason)
            expect(after.late, at).toBe(true);
        }
        expect(after.status === 'input_required', at).toBe(after.attention.length > 0);
        if (after.status === 'input_required') expect(after.reason, at).toBe(after.attention[0]);
        if (after.status === 'working' || after.status === 'completed')
          expect(after.reason, at).toBeUndefined();
        if (after.status === 'failed') expect(after.reason, at).toBeDefined();
        expect(isFinal(after.status), at).toBe(after.final_at !== undefined);
        if (after.status !== 'queued') expect(after.blocked_by, at).toBeUndefined();
        if (after.status === 'working') expect(after.submitted_at, at).toBeDefined();
        const changed =
          before.status !== after.status && (isFinal(after.status) || after.status === 'input_required');
        if (changed) expect(after.wake_seq, at).toBe(after.seq);
      });
    }
  });

  test('fold to a record that its schema takes, and leave the record before untouched', () => {
    for (let seed = 1; seed <= 50; seed++) {
      let copy = '';
      const { record } = randomStory(seed, (before, after) => {
        expect(JSON.stringify(before), `seed ${seed}`).toBe(copy === '' ? JSON.stringify(before) : copy);
        copy = JSON.stringify(after);
      });
      expect(recordSchema.safeParse(record).error, `seed ${seed}`).toBeUndefined();
    }
  });

  test('tell by their log alone which request an open job waits for', () => {
    const seen = { question: 0, permission: 0, none: 0 };
    for (let seed = 1; seed <= ROUNDS; seed++) {
      randomStory(seed, (_, after, { journal }) => {
        // An id that is no string: nobody writes it, and the log does not show it.
        if (isFinal(after.status) || journal.some(({ data }) => data?.['request_id'] === 7)) return;
        const requests = new Requests();
        requests.take(timeline(journal, after));
        const open = openRequest(after);
        expect(requests.current?.request_id, `seed ${seed}, event ${after.seq}`).toBe(open?.request_id);
        expect(requests.current?.kind).toBe(open?.kind);
        expect(requests.current?.decision).toBe(open?.decision);
        seen[open?.kind ?? 'none']++;
      });
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(50);
  });

  test('fold to the same record from the journal on disk, torn lines and all', () => {
    const registry = mkdtempSync(join(tmpdir(), 'mam-fold-'));
    try {
      for (let seed = 1; seed <= 30; seed++) {
        const story = randomStory(seed, () => {});
        const folder = join(registry, ORDER.job_id);
        mkdirSync(folder, { recursive: true });
        const lines = story.journal.map((event) => `\n${JSON.stringify(event)}\n`);
        // A crash leaves half a line; the event was not acknowledged and comes again.
        const torn = seed % 3 === 0 ? lines.flatMap((line) => [line.slice(0, line.length / 2), line]) : lines;
        writeFileSync(join(folder, 'events.jsonl'), torn.join(''));
        const folded = foldJob(registry, ORDER.job_id);
        expect(folded.record, `seed ${seed}`).toEqual(story.record);
        expect(folded.damage.length > 0, `seed ${seed}`).toBe(seed % 3 === 0);
      }
    } finally {
      rmSync(registry, { recursive: true });
    }
  });

  test('are the same again with the same seed', () => {
    expect(randomStory(7, () => {}).record).toEqual(randomStory(7, () => {}).record);
    expect(randomStory(7, () => {}).record).not.toEqual(randomStory(8, () => {}).record);
    // The tests above would say nothing of a reducer that does nothing.
    const seen = new Set<string>();
    for (let seed = 1; seed <= ROUNDS; seed++) randomStory(seed, ({ status }) => seen.add(status));
    expect([...seen].sort()).toEqual([...STATUSES].sort());
  });
});
