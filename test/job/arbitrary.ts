import fc from 'fast-check';
import { isUndecided, UNDECIDED } from '../../src/job/check.ts';
import { dataOf, type RecordedEvent } from '../../src/job/event.ts';
import { MAKERS, type Source } from '../../src/job/words.ts';
import { ORDER, Story, VALIDATION } from './story.ts';

const SOURCES: readonly Source[] = ['peer', 'hook', 'person', 'supervisor', 'hub'];
const ENDS = [
  ...['cancelled', 'completed', 'error', 'timeout', 'session_lost', 'delivery_failed'],
  ...['dependency_failed', 'setup_failed'],
];
/** What the hub never records for a job that it has not started to hand over. */
const OF_A_TURN = ['stalled', 'rate_limited', 'turn_ended', 'delivery_unverified', 'usage'];
/** Ends are rare, so that stories get long. */
const TYPES = [...Object.keys(MAKERS), 'unheard_of'].flatMap((type) =>
  ENDS.includes(type) ? [type] : [type, type, type, type],
);

/** One thing that may happen to a job, independent of its state then. */
export interface Step {
  type: string;
  source: Source;
  detail?: string;
  result?: string;
  files?: string[];
  unheard?: boolean;
  data: NonNullable<RecordedEvent['data']>;
  /** Which of the job's requests it names, if any. */
  request: number;
}

/** Only these name a request. */
const ABOUT_REQUESTS = ['answered', 'permission_resolved', 'deciding', 'decision_refused'];
const usageOf = (output_tokens: number) => ({
  ...{ models: ['m'], input_tokens: 500, output_tokens, cached_tokens: 500, source: 'transcript' },
});
const named = fc.record({ request_id: fc.constant('the one'), decision: fc.constantFrom('allow', 'deny') });
const other = fc.oneof(
  fc.constant({}),
  fc.record({ by: fc.constantFrom('dialog', 'busy'), waited: fc.boolean() }),
  fc.record({ passed: fc.boolean(), exit_code: fc.nat(3), output_tail: fc.constant('tail') }),
  fc.record({ passed: fc.boolean(), script_changed: fc.boolean() }),
  fc.record({ outcome: fc.constantFrom(...UNDECIDED), problem: fc.constant('no such shell') }),
  fc.record({ what: fc.constantFrom('messages', 'reminder'), count: fc.nat(2), about: fc.nat(3) }),
  fc.record({
    what: fc.constantFrom('messages', 'reminder'),
    by: fc.constant('draft'),
    waited: fc.boolean(),
  }),
  fc.record({ by: fc.constant('behind'), behind: fc.constant({ job_id: 'a', needs: 'draft' }) }),
  fc.record({ turn: fc.boolean() }),
  fc.record({ usage: fc.constantFrom(usageOf(10), usageOf(90), { models: 7, input_tokens: 'many' }) }),
  fc.record({
    conversation: fc.constantFrom({ agent: 'codex', id: 'c', from: 7 }, { agent: 'codex', id: 7 }),
  }),
  fc.constant({ job: ORDER }),
  // Nobody writes this, but a journal may contain anything.
  fc.constant({ passed: 'yes', exit_code: 'seven', by: 7, request_id: 7 }),
);

/** The hub itself records some of a peer's requests when it sees them on the screen. */
function makersOf(type: string): readonly Source[] {
  const makers = MAKERS[type] ?? SOURCES;
  return type === 'permission_required' ? [...makers, 'hub'] : makers;
}

/** One event by someone who may make it. */
const step: fc.Arbitrary<Step> = fc.constantFrom(...TYPES).chain((type) =>
  fc.record(
    {
      type: fc.constant(type),
      source: fc.constantFrom(...makersOf(type)),
      detail: fc.constantFrom('some words', 'other words', ''),
      result: fc.nat(4_000).map((length) => 'x'.repeat(length)),
      files: fc.constant(['a']),
      unheard: fc.boolean(),
      data: ABOUT_REQUESTS.includes(type) ? fc.oneof(named, other) : other,
      request: fc.nat(5),
    },
    { requiredKeys: ['type', 'source', 'data', 'request'] },
  ),
);

/** What may happen to one job: its order, and some forty events in any order. */
export const plot = fc.record({
  validation: fc.option(fc.nat(2), { nil: undefined }),
  budget: fc.boolean(),
  steps: fc.array(step, { maxLength: 40, size: 'max' }),
});
export type Plot = typeof plot extends fc.Arbitrary<infer P> ? P : never;

/** Starts the story of a plot. */
export function begin({ validation, budget }: Plot): Story {
  return new Story({
    ...(validation !== undefined && { validation: { ...VALIDATION, max_rounds: validation } }),
    ...(budget && { max_tokens: 50 }),
  });
}

/** Tells a plot. @param eachStep is called after each event */
export function tell(
  plotted: Plot,
  eachStep: (story: Story, before: Story['record']) => void = () => {},
): Story {
  const story = begin(plotted);
  for (const { type, request, data: said, ...more } of plotted.steps) {
    const before = story.record;
    if (before.status === 'queued' && before.phase === 'queued' && OF_A_TURN.includes(type)) continue;
    // A check without a verdict has run.
    if (type === 'validated' && isUndecided(dataOf({ data: said })) && before.phase !== 'validating')
      continue;
    const named = before.requests[request]?.request_id ?? 'none';
    const data = dataOf({ data: said }).request_id === 'the one' ? { ...said, request_id: named } : said;
    story.next(type, { ...more, data });
    eachStep(story, before);
  }
  return story;
}
