import { expect, test } from 'vitest';
import type { Link } from '../../src/link/link.ts';
import { waitForJobs } from '../../src/link/waiter.ts';
import type { Commands, LogMessage } from '../../src/operations/request.ts';
import { ORDER, Story } from '../job/story.ts';

type Status = Commands['status']['result'];

/** A connection whose hub answers when the test says so. */
function slowLink() {
  const asked: ((status: Status) => void)[] = [];
  let listener: (message: LogMessage) => void = () => {};
  const link = {
    connected: true,
    follow: (_id: string, _host: string, given: typeof listener) => {
      listener = given;
      return () => {};
    },
    onConnect: () => () => {},
    request: () => new Promise<Status>((resolve) => asked.push(resolve)),
  } as unknown as Link;
  return {
    link,
    hear: (message: LogMessage) => listener(message),
    /** Answers the request under way as the hub does. */
    reply: async (story: Story, after: number) => {
      const events = story.journal.filter(({ seq }) => seq > after);
      asked.shift()?.({ record: story.record, events, cursor: story.record.seq, more: false } as Status);
      await new Promise((done) => setTimeout(done, 1));
    },
  };
}

function heard({ journal, record }: Story): LogMessage {
  const event = journal.at(-1);
  if (event === undefined) throw new Error('The story has no event.');
  return { event, status: record.status, phase: record.phase, record };
}

/** A wait that continues after the job's first two events. */
function begin(link: Link) {
  const id = ORDER.job_id;
  return waitForJobs({
    link,
    host: 'here',
    registryDir: '/r',
    jobIds: [id],
    until: 'any',
    timeoutMs: 5_000,
    cursor: `${id}:2`,
    signal: new AbortController().signal,
  });
}

test.each(['while it asks how the job stands', 'after one that did not get through'])(
  'what arrives %s is reported once, with its events and a cursor after them',
  async (when) => {
    const { link, hear, reply } = slowLink();
    const story = new Story().next('started');
    const wait = begin(link);
    if (when.startsWith('after')) {
      await reply(story, 2);
      story.next('progress', { detail: 'half' });
    }
    hear(heard(story.next('question', { detail: 'Slate or tin?' })));
    await reply(story, 2);
    const { outcome, events, cursor } = await wait;
    expect(outcome).toBe('needs_attention');
    expect(events).toEqual(story.journal.slice(2));
    expect(cursor).toBe(`${ORDER.job_id}:${story.record.seq}`);
  },
);

test('of more events than fit into an answer, it has the newest, and how many are left out', async () => {
  const { link, reply } = slowLink();
  const story = new Story().next('started');
  const wait = begin(link);
  for (let step = 1; step <= 300; step++) story.next('progress', { detail: `step ${step}` });
  await reply(story.next('question', { detail: 'Slate or tin?' }), 2);
  const { events, events_left_out: leftOut } = await wait;
  expect(events.at(-1)).toMatchObject({ type: 'question' });
  expect(leftOut).toBeGreaterThan(0);
  expect(events).toEqual(story.journal.slice(2 + leftOut));
});
