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

/** The rules that a step from one record to the next breaks; none for a sound one. */
function brokenRules(before: JobRecord, after: JobRecord): string[] {
  const wasFinal = isFinal(before.status);
  const final = isFinal(after.status);
  const amendable = before.status === 'failed' && AMENDABLE.includes(before.reason ?? '');
  const end = ({ status, reason, late, detail }: JobRecord) => JSON.stringify([status, reason, late, detail]);
  const asks = after.status === 'input_required';
  const changed = before.status !== after.status && (final || asks);
  const rules: [what: string, holds: boolean][] = [
    ['each event has the next seq', after.seq === before.seq + 1],
    ['wake_seq never goes back', after.wake_seq >= before.wake_seq],
    ['wake_seq is never ahead', after.wake_seq <= after.seq],
    ['what is final stays so', !wasFinal || final],
    [
      'what is final and cannot be amended stays as it is',
      !wasFinal || amendable || end(after) === end(before),
    ],
    [
      'only what was said late changes an end',
      !wasFinal || (after.status === before.status && after.reason === before.reason) || after.late === true,
    ],
    ['input is required while something wants attention', asks === after.attention.length > 0],
    ['the reason is the first that wants attention', !asks || after.reason === after.attention[0]],
    [
      'what works or is completed has no reason',
      !['working', 'completed'].includes(after.status) || after.reason === undefined,
    ],
    ['what has failed has a reason', after.status !== 'failed' || after.reason !== undefined],
    ['final_at is that of a final job', final === (after.final_at !== undefined)],
    ['only what is queued is blocked', after.status === 'queued' || after.blocked_by === undefined],
    ['what works was submitted', after.status !== 'working' || after.submitted_at !== undefined],
    ['an end and a request wake', !changed || after.wake_seq === after.seq],
  ];
  return rules.filter(([, holds]) => !holds).map(([what]) => what);
}

describe('random events', () => {
  test('never throw, never reopen what is final, and keep the record sound', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      randomStory(seed, (before, after, story) => {
        const broken = brokenRules(before, after);
        // An assertion for each rule of each step would take seconds.
        if (broken.length > 0)
          expect(broken, `seed ${seed}, event ${after.seq} ${story.journal.at(-1)?.type}`).toEqual([]);
      });
    }
  });

  test('fold to a record that its schema takes, and leave the record before untouched', () => {
    for (let seed = 1; seed <= 50; seed++) {
      let copy = '';
      const { record } = randomStory(seed, (before, after) => {
        const text = JSON.stringify(before);
        if (copy !== '' && text !== copy) expect(text, `seed ${seed}`).toBe(copy);
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
        const told = ({ request_id, kind, decision }: Partial<NonNullable<typeof open>> = {}) => [
          request_id,
          kind,
          decision,
        ];
        expect(told(requests.current), `seed ${seed}, event ${after.seq}`).toEqual(told(open));
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
