import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { apply } from '../../src/job/apply.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { recordSchema } from '../../src/job/record.ts';
import { STATUSES } from '../../src/job/words.ts';
import { foldJob, placedIn } from '../../src/registry/fold.ts';
import { homePaths } from '../../src/registry/home.ts';
import { jobPaths } from '../../src/registry/paths.ts';
import { Seal } from '../../src/registry/seal.ts';
import { plot, tell } from './arbitrary.ts';
import { brokenRules } from './rules.ts';
import { ORDER, Story } from './story.ts';

/** Any order, repetition and delay of events. A failure names its seed and its shortest story: pass them to `fc.assert`. */
const RUNS = 400;

const folder = mkdtempSync(join(tmpdir(), 'mam-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('every event leads to a legal record, and leaves the previous one untouched', () => {
  fc.assert(
    fc.property(plot, (plotted) => {
      let copy = '';
      const { record } = tell(plotted, (story, before) => {
        const event = story.journal.at(-1);
        const broken = event === undefined ? [] : brokenRules(before, event, story.record);
        if (broken.length > 0) throw new Error(`${event?.seq} ${event?.type}: ${broken.join('; ')}`);
        if (copy !== '' && JSON.stringify(before) !== copy) throw new Error('the record before has changed');
        copy = JSON.stringify(story.record);
      });
      expect(recordSchema.safeParse(record).error).toBeUndefined();
    }),
    { numRuns: RUNS },
  );
});

test('the journal on disk folds to the same record, torn lines and all', () => {
  let runs = 0;
  fc.assert(
    fc.property(plot, fc.array(fc.nat(40)), (plotted, torn) => {
      const { journal, record } = tell(plotted);
      const registry = join(folder, `${runs++}`);
      mkdirSync(join(registry, ORDER.job_id), { recursive: true });
      const lines = journal.map((event) => `\n${JSON.stringify(event)}\n`);
      // A crash leaves half a line; the event was not acknowledged and is sent again.
      const text = lines.flatMap((line, n) =>
        torn.includes(n) ? [line.slice(0, line.length / 2), line] : [line],
      );
      writeFileSync(join(registry, ORDER.job_id, 'events.jsonl'), text.join(''));
      expect(foldJob(registry, ORDER.job_id).record).toEqual(placedIn(record, registry));
    }),
    { numRuns: 50 },
  );
});

test('a repeated event, however late, changes nothing: as a hub records it', async () => {
  const seal = Seal.of(homePaths(folder));
  let runs = 0;
  const again = fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { maxLength: 20, size: 'max' });
  await fc.assert(
    fc.asyncProperty(plot, again, async (plotted, repeats) => {
      const drafts = tell(plotted).journal.map(({ seq: _, recorded_at: __, late: ___, ...draft }) => draft);
      const registry = join(folder, `live-${runs++}`);
      const paths = jobPaths(registry, ORDER.job_id);
      mkdirSync(paths.folder, { recursive: true });
      const job = new LiveJob(registry, ORDER.job_id, seal, { isNew: true });
      const sent = drafts.flatMap((draft, n) => [
        draft,
        ...repeats.flatMap(([what, when]) => (when === n && what <= n ? (drafts[what] ?? []) : [])),
      ]);
      // In pairs: the second arrives while the first is being written.
      for (let n = 0; n < sent.length; n += 2)
        await Promise.all(sent.slice(n, n + 2).map((draft) => job.append(draft)));
      await job.close();
      const { record, events, damage } = foldJob(registry, ORDER.job_id, seal);
      expect(damage).toEqual([]);
      expect(events.map(({ event_id }) => event_id)).toEqual(drafts.map(({ event_id }) => event_id));
      expect(events.map(({ seq }) => seq)).toEqual(drafts.map((_, n) => n + 1));
      expect(record).toEqual(placedIn(job.record, registry));
      const folded = events.reduce<JobRecord | undefined>(apply, undefined);
      expect(record).toEqual(folded && placedIn(folded, registry));
      expect(readFileSync(paths.journal, 'utf8').match(/^\{.*\}$/gm)).toHaveLength(drafts.length);
      rmSync(registry, { recursive: true });
    }),
    { numRuns: 60 },
  );
});

test('the stories reach every status, and break rules if a record is wrong', () => {
  const seen = new Set<string>();
  for (const plotted of fc.sample(plot, { numRuns: RUNS, seed: 1 }))
    tell(plotted, ({ record }) => seen.add(record.status));
  expect([...seen].sort()).toEqual([...STATUSES].sort());
  const { record: before } = Story.working();
  const story = Story.working().next('progress');
  const [event] = story.journal.slice(-1);
  if (event === undefined) throw new Error('no event');
  expect(brokenRules(before, event, story.record)).toEqual([]);
  for (const wrong of [
    { status: 'completed' as const, final_at: 'now' },
    { seq: 99 },
    { status: 'input_required' as const, reason: 'stalled' },
    { attention: ['question'] },
    { messages: ['from nowhere', 'and another'] },
    { submitted_at: 'later' },
  ])
    expect(brokenRules(before, event, { ...story.record, ...wrong }), JSON.stringify(wrong)).not.toEqual([]);
});
