import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MamError } from '../../../../src/base/errors.ts';
import { sha256 } from '../../../../src/base/sha256.ts';
import type { LiveJob, Recorded } from '../../../../src/hub/jobs/live-job.ts';
import { HomeError } from '../../../../src/hub/mesh/delegator/home-error.ts';
import { NoAnswer } from '../../../../src/hub/mesh/delegator/no-answer.ts';
import { Replicas } from '../../../../src/hub/mesh/delegator/replicas.ts';
import { apply } from '../../../../src/job/apply.ts';
import type { RecordedEvent } from '../../../../src/job/event.ts';
import type { JobOrder, JobRecord } from '../../../../src/job/record.ts';
import { changed, type ReplicaChange, type ReplicaState } from '../../../../src/job/replica.ts';
import { jobPaths } from '../../../../src/registry/paths.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

const AT = '2026-03-01T10:00:00.000Z';
const ID = 'roof-1a2b3c';
/** How many events fit on a page of the home of these tests. */
const PAGE = 3;

function order(id: string): JobOrder {
  return {
    ...{ job_id: id, agent: 'tmux:codex', host: 'hostb', registry_dir: '/b', log_dir: `/b/${id}` },
    ...{ workdir: '/b', prompt_sha256: sha256('x'), prompt_preview: 'x', prompt_bytes: 1, depth: 0 },
    supervisor: { client: 'cli', session: 's1' },
    timeouts: { timeout_seconds: 60, idle_timeout_seconds: 60 },
    peer_server: 'unknown',
  };
}

function event(seq: number, type: string, more: Partial<RecordedEvent> = {}): RecordedEvent {
  const source = type === 'queued' ? 'hub' : 'peer';
  return { seq, event_id: `event-${seq}`, job_id: ID, type, source, at: AT, recorded_at: AT, ...more };
}

/** The journal of a job on its home: ordered, then this many signs of progress. */
function journal(progress: number): RecordedEvent[] {
  const first = event(1, 'queued', { data: { job: order(ID) } });
  return [
    first,
    ...Array.from({ length: progress }, (_, at) => event(at + 2, 'progress', { detail: `${at}` })),
  ];
}

/** A copy as the rest of the hub keeps it, in memory. */
class Copy {
  readonly id = ID;
  readonly kept = Promise.resolve();
  readonly events: RecordedEvent[] = [];
  readonly damage: string[] = [];
  readonly paths;
  replica: ReplicaState;
  checkPlace = (): void => {};

  constructor(folder: string, state: Partial<ReplicaState>) {
    this.paths = jobPaths(folder, ID);
    mkdirSync(this.paths.folder);
    const fixed = { home: 'hostb', asked_at: AT, episode: 0, order: order(ID) };
    this.replica = { ...fixed, state: 'following', ...state };
  }

  get length(): number {
    return this.events.length;
  }

  get record(): JobRecord {
    const made = this.events.reduce<JobRecord | undefined>(apply, undefined);
    return (
      made ?? ({ ...apply(undefined, event(1, 'queued', { data: { job: order(ID) } })), seq: 0 } as JobRecord)
    );
  }

  eventsAfter(seq: number): RecordedEvent[] {
    return this.events.slice(seq);
  }
}

let part: Replicas | undefined;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratchFolder(), 'mam-'));
});
afterEach(() => {
  part?.stop();
  rmSync(folder, { recursive: true });
});

/** The copy of a job whose home has this journal. */
function world(home: RecordedEvent[] | undefined, state: Partial<ReplicaState> = {}) {
  const copy = new Copy(folder, state);
  const seen = {
    copy,
    home,
    texts: {} as Record<string, string>,
    lookedFor: 0,
    isOnline: true,
    asked: [] as string[],
    told: [] as string[],
    logged: [] as string[],
    watched: new Set<string>(),
    theirNow: Date.parse(AT),
    fails: undefined as MamError | undefined,
    /** How many events are being written, and the most at a time. */
    writing: 0,
    together: 0,
    replicas: undefined as unknown as Replicas,
    feed: (one: RecordedEvent, from = 'hostb', jobId = ID) =>
      seen.replicas.takeFeed(from, jobId, JSON.parse(JSON.stringify({ event: one, status: 'working' }))),
    digest: (seq: number, from = 'hostb') =>
      seen.replicas.takeDigest(from, { v: 1, epoch: AT, jobs: [[ID, seq]] }),
  };
  const answers = {
    events: ({ after = 0 }: { after?: number }) => {
      if (seen.home === undefined) throw new HomeError('hostb', 'not_found', `There is no job ${ID}.`, '');
      const events = seen.home.slice(after, after + PAGE);
      const more = after + PAGE < seen.home.length;
      return { record: { seq: seen.home.length }, events: JSON.parse(JSON.stringify(events)), more };
    },
    text: ({ what = '', offset = 0 }: { what?: string; offset?: number }) => {
      const text = seen.texts[what];
      if (text === undefined) throw new HomeError('hostb', 'not_found', `There is no ${what}.`, '');
      return {
        text: text.slice(offset, offset + 10),
        next: Math.min(offset + 10, text.length),
        size: text.length,
      };
    },
  };
  seen.replicas = new Replicas({
    registrar: {
      held: (id) => (id === ID ? (copy as unknown as LiveJob) : undefined),
      find: async (id) => {
        seen.lookedFor++;
        throw new MamError('not_found', `There is no job ${id}.`);
      },
      follow: async (_job, one) => {
        seen.together = Math.max(seen.together, ++seen.writing);
        await Promise.resolve();
        seen.writing--;
        expect(one.seq).toBe(copy.length + 1);
        copy.events.push(one);
        const { state, never_taken: verdict } = copy.replica;
        if (state === 'asking' || state === 'lost' || verdict !== undefined)
          copy.replica = changed(copy.replica, { state: 'following', never_taken: undefined }, AT);
        return { event: one } as Recorded;
      },
      setReplica: async (_job, change: ReplicaChange, { tell = true } = {}) => {
        await Promise.resolve();
        copy.replica = changed(copy.replica, change, AT);
        if (tell) seen.told.push(Object.keys(change).join());
      },
      createReplica: () => copy as unknown as LiveJob,
      removeReplica: async () => void seen.told.push('removed'),
    },
    directory: {
      get: () => ({ online: seen.isOnline, since: AT }),
      isAway: () => !seen.isOnline,
      watch: (name) => void seen.watched.add(name),
      unwatch: (name) => void seen.watched.delete(name),
      inTheirClock: (_name, ms) => new Date(seen.theirNow + ms).toISOString(),
    },
    ask: async (host, command, params) => {
      seen.asked.push(command);
      await Promise.resolve();
      if (!seen.isOnline) throw new MamError('unavailable', `${host} is offline since 10:00.`);
      if (seen.fails !== undefined) throw seen.fails;
      return answers[command as 'events' | 'text'](params);
    },
    log: {
      info: () => {},
      warn: (text) => void seen.logged.push(text),
      error: (text) => void seen.logged.push(text),
    },
  });
  part = seen.replicas;
  const asked = { home: 'hostb', state: 'asking', asked_at: AT, expires_at: AT, episode: 0 } as const;
  seen.replicas.create(order(ID), 'x', asked);
  return seen;
}

/** Waits until nothing is asked for and nothing is written. */
async function settled(seen: ReturnType<typeof world>): Promise<void> {
  await until('it is at rest', () => !seen.replicas.hasWork);
}

const ids = (events: readonly RecordedEvent[]) => events.map(({ event_id: id }) => id);

test('of very many jobs that a host tells of, and that are not here, only some are looked for at a time', async () => {
  const seen = world(journal(0));
  const ids = Array.from({ length: 1_000 }, (_, n) => `wall-${n}`);
  for (const job_id of ids) seen.feed({ ...event(1, 'progress'), job_id }, 'hostb', job_id);
  await settled(seen);
  expect(seen.lookedFor).toBeGreaterThan(0);
  expect(seen.lookedFor).toBeLessThanOrEqual(200);
});

describe('events', () => {
  test('of one page go to the disk together', async () => {
    const seen = world(journal(9));
    seen.digest(10);
    await settled(seen);
    expect(seen.copy.events).toEqual(seen.home);
    expect(seen.together).toBe(PAGE);
  });

  test('in their order are taken as they come, and none is asked for', async () => {
    const home = journal(9);
    const seen = world(home);
    for (const one of home) seen.feed(one);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
    expect(seen.asked).toEqual([]);
  });

  test('that come twice are taken once', async () => {
    const home = journal(3);
    const seen = world(home);
    for (const one of [...home, ...home]) seen.feed(one);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
    expect(seen.copy.replica.state).toBe('following');
  });

  test('after a gap bring the missing ones, page by page', async () => {
    const home = journal(9);
    const seen = world(home);
    for (const one of [home[0], home[1], home[7], home[9]]) seen.feed(one as RecordedEvent);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
  });

  test('keep every field and their order, so that the lines are those of the home', async () => {
    const first = { ...journal(0)[0], data: { job: order(ID), later_version: { a: 1 } }, new_field: 7 };
    const seen = world([first as RecordedEvent]);
    seen.feed(first as RecordedEvent);
    await settled(seen);
    expect(JSON.stringify(seen.copy.events[0])).toBe(JSON.stringify(first));
  });

  test.each([
    ['from a host that is not its home', (seen: Seen, one: RecordedEvent) => seen.feed(one, 'hostc')],
    ['of another job', (seen: Seen, one: RecordedEvent) => seen.feed({ ...one, job_id: 'wall-1a2b3c' })],
    [
      'of a job that nobody knows',
      (seen: Seen, one: RecordedEvent) =>
        seen.feed({ ...one, job_id: 'wall-1a2b3c' }, 'hostb', 'wall-1a2b3c'),
    ],
    [
      'with a proof of their own',
      (seen: Seen, one: RecordedEvent) => seen.feed({ ...one, mac: 'x' } as RecordedEvent),
    ],
    [
      'of a shape that is none',
      (seen: Seen, one: RecordedEvent) => seen.feed({ ...one, source: 'devil' as 'hub' }),
    ],
    [
      'too long for a journal',
      (seen: Seen, one: RecordedEvent) =>
        seen.feed({ ...one, data: { job: order(ID), filler: 'x'.repeat(5_000) } }),
    ],
  ])('%s change nothing and are logged', async (_what, send) => {
    const home = journal(0);
    const seen = world(home);
    send(seen, home[0] as RecordedEvent);
    await settled(seen);
    expect(seen.copy.events).toEqual([]);
    expect(seen.logged).toHaveLength(1);
  });
});

describe('a digest', () => {
  test('that is ahead brings the last event, which nothing follows', async () => {
    const home = journal(4);
    const seen = world(home);
    for (const one of home.slice(0, 4)) seen.feed(one);
    seen.digest(5);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
  });

  test('that agrees asks for nothing', async () => {
    const home = journal(1);
    const seen = world(home);
    for (const one of home) seen.feed(one);
    seen.digest(2);
    await settled(seen);
    expect(seen.asked).toEqual([]);
  });

  test('that is behind deletes nothing, and says so', async () => {
    const home = journal(4);
    const seen = world(home);
    for (const one of home) seen.feed(one);
    await settled(seen);
    seen.home = home.slice(0, 2);
    seen.digest(2);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
    expect(seen.copy.damage).toEqual([expect.stringContaining('it has 2 of the 5 that are here')]);
    expect(seen.copy.replica.state).toBe('following');
  });

  test('of an older time, overtaken by events, says nothing', async () => {
    const home = journal(4);
    const seen = world(home);
    for (const one of home) seen.feed(one);
    seen.digest(3);
    await settled(seen);
    expect(seen.copy.damage).toEqual([]);
  });
});

test('a home that was restored and went on differently is not mixed in', async () => {
  const home = journal(4);
  const seen = world(home);
  for (const one of home) seen.feed(one);
  await settled(seen);
  const other = [
    ...home.slice(0, 2),
    ...[3, 4, 5, 6].map((seq) => event(seq, 'progress', { event_id: `new-${seq}` })),
  ];
  seen.home = other;
  seen.digest(6);
  seen.feed(other[5] as RecordedEvent);
  await settled(seen);
  expect(ids(seen.copy.events)).toEqual(ids(home));
  expect(seen.copy.replica).toMatchObject({
    state: 'lost',
    damage: [expect.stringContaining('From event 5 on')],
  });
  expect(seen.told).toEqual(['state,synced_at,damage']);
});

describe('after a hello', () => {
  test('a job that the digest names as it is here is not asked for', async () => {
    const home = journal(1);
    const seen = world(home);
    for (const one of home) seen.feed(one);
    seen.replicas.onOnline({ name: 'hostb' });
    seen.digest(2);
    await new Promise((done) => setTimeout(done, 1_200));
    await settled(seen);
    expect(seen.asked).toEqual([]);
  });

  test('a job that no digest names is asked for', async () => {
    const home = journal(3);
    const seen = world(home);
    for (const one of home.slice(0, 2)) seen.feed(one);
    seen.replicas.onOnline({ name: 'hostb' });
    await until('all is here', () => seen.copy.length === 4);
    expect(seen.copy.events).toEqual(home);
  });
});

describe('a home that is away', () => {
  test('is told once, however often it is noticed, and its return is told', async () => {
    const home = journal(1);
    const seen = world(home);
    for (const one of home) seen.feed(one);
    await settled(seen);
    seen.isOnline = false;
    for (const _ of [1, 2]) seen.replicas.onOffline({ name: 'hostb', since: AT });
    await settled(seen);
    expect(seen.copy.replica).toMatchObject({ offline_since: AT, episode: 1, state: 'following' });
    expect(seen.told).toEqual(['offline_since,episode,synced_at']);
    seen.isOnline = true;
    seen.replicas.onOnline({ name: 'hostb' });
    await settled(seen);
    expect(seen.copy.replica.offline_since).toBeUndefined();
    expect(seen.copy.replica.episode).toBe(1);
    expect(seen.told).toHaveLength(2);
  });

  test('is told of a job that is taken up only then', async () => {
    const seen = world(journal(0));
    seen.isOnline = false;
    seen.replicas.resumeAll([seen.copy as unknown as LiveJob]);
    await settled(seen);
    expect(seen.copy.replica).toMatchObject({ offline_since: AT, episode: 1 });
    expect([...seen.watched]).toEqual(['hostb']);
  });

  test('does not touch the jobs of another one', async () => {
    const seen = world(journal(0));
    seen.replicas.onOffline({ name: 'hostc', since: AT });
    await settled(seen);
    expect(seen.copy.replica.offline_since).toBeUndefined();
    expect(seen.replicas.isAwaited('hostb')).toBe(true);
    expect(seen.replicas.isAwaited('hostc')).toBe(false);
  });
});

test('a home that has the job no more leaves the copy as it was, and that is told once', async () => {
  const home = journal(2);
  const seen = world(home);
  for (const one of home) seen.feed(one);
  await settled(seen);
  seen.home = undefined;
  for (const seq of [7, 8]) {
    seen.digest(seq);
    await settled(seen);
  }
  expect(seen.copy.events).toEqual(home);
  expect(seen.copy.replica.state).toBe('lost');
  expect(seen.told).toHaveLength(1);
});

test.each([
  ['its host is not configured any more', new MamError('not_found', 'There is no host hostb.')],
  ['it may not be asked any more', new HomeError('hostb', 'refused', 'You may not do this.', '')],
  ['it does not answer', new NoAnswer('hostb', 1_000, 'it was read')],
])('a job is not lost because %s', async (_why, error) => {
  const seen = world(journal(2));
  seen.fails = error;
  seen.digest(3);
  await settled(seen);
  expect(seen.copy.replica.state).toBe('following');
});

describe('a delegation without an answer', () => {
  const asking = { state: 'asking', expires_at: '2026-03-01T10:00:20.000Z' } as const;

  test('is settled by the home that has the job', async () => {
    const home = journal(1);
    const seen = world(home, asking);
    seen.digest(2);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
    expect(seen.copy.replica.state).toBe('following');
  });

  test('is open as long as the home may still take it', async () => {
    const seen = world(undefined, asking);
    seen.theirNow = Date.parse('2026-03-01T10:00:21.000Z');
    seen.replicas.onOnline({ name: 'hostb' });
    await until('it was asked', () => seen.asked.length > 0);
    await settled(seen);
    expect(seen.copy.replica.state).toBe('asking');
  });

  test('has failed once it is too late there; and if the home shows the job after all, that counts', async () => {
    const seen = world(undefined, asking);
    seen.theirNow = Date.parse('2026-03-01T10:01:00.000Z');
    seen.replicas.onOnline({ name: 'hostb' });
    await until('it is over', () => seen.copy.replica.state === 'ended');
    expect(seen.copy.replica.never_taken?.detail).toBe('hostb never took it');
    const home = journal(1);
    seen.home = home;
    seen.feed(home[1] as RecordedEvent);
    await settled(seen);
    expect(seen.copy.events).toEqual(home);
    expect(seen.copy.replica.state).toBe('following');
    expect(seen.copy.replica.never_taken).toBeUndefined();
  });

  test('that was refused leaves nothing, unless the home has shown the job', async () => {
    const seen = world(journal(1), asking);
    await seen.replicas.withdraw(seen.copy as unknown as LiveJob);
    expect(seen.told).toEqual(['removed']);
    rmSync(seen.copy.paths.folder, { recursive: true });
    const shown = world(journal(0), asking);
    for (const one of journal(0)) shown.feed(one);
    await settled(shown);
    await shown.replicas.withdraw(shown.copy as unknown as LiveJob);
    expect(shown.told).not.toContain('removed');
  });

  test('takes the answer that came, with or without events', async () => {
    const home = journal(1);
    const seen = world(home, asking);
    const answer = { record: { seq: 2 }, events: home.slice(0, 1), more: true };
    await seen.replicas.settle(seen.copy as unknown as LiveJob, answer);
    expect(seen.copy.events).toEqual(home);
    part?.stop();
    rmSync(seen.copy.paths.folder, { recursive: true });
    const other = world(home, asking);
    await other.replicas.settle(other.copy as unknown as LiveJob, { record: { seq: 2 } });
    expect(other.copy.events).toEqual(home);
  });
});

describe('the end of a job', () => {
  const result = 'All tiles are on. '.repeat(40);
  const end = event(3, 'completed', { result: result.slice(0, 400), texts: { result: sha256(result) } });
  const home = [...journal(1), end];

  test('brings its texts and its screen, and then it is over', async () => {
    const seen = world(home);
    Object.assign(seen.texts, { [sha256(result)]: result, screen: 'the last screen\n' });
    for (const one of home) seen.feed(one);
    await until('it is over', () => seen.copy.replica.state === 'ended');
    const { folder: own, texts } = seen.copy.paths;
    expect(readFileSync(join(texts, sha256(result)), 'utf8')).toBe(result);
    expect(readFileSync(join(own, 'screen.txt'), 'utf8')).toBe('the last screen\n');
    expect(readdirSync(own).sort()).toEqual(['screen.txt', 'texts']);
    expect([...seen.watched]).toEqual([]);
  });

  test('is not over until they are here', async () => {
    const seen = world(home);
    Object.assign(seen.texts, { [sha256(result)]: result });
    seen.fails = new NoAnswer('hostb', 1_000, 'it was read');
    for (const one of home) seen.feed(one);
    await settled(seen);
    expect(seen.copy.length).toBe(3);
    expect(seen.copy.replica.state).toBe('following');
    seen.fails = undefined;
    seen.digest(3);
    await until('it is over', () => seen.copy.replica.state === 'ended');
    expect(readdirSync(seen.copy.paths.texts)).toEqual([sha256(result)]);
  });

  test('with a text that is another one is shown without it', async () => {
    const seen = world(home);
    Object.assign(seen.texts, { [sha256(result)]: 'something else' });
    for (const one of home) seen.feed(one);
    await until('it is over', () => seen.copy.replica.state === 'ended');
    expect(readdirSync(seen.copy.paths.folder)).toEqual([]);
  });

  test('is followed by late events', async () => {
    const seen = world(home);
    for (const one of home) seen.feed(one);
    await until('it is over', () => seen.copy.replica.state === 'ended');
    seen.feed(event(4, 'progress', { late: true }));
    await until('it is over again', () => seen.copy.length === 4 && seen.copy.replica.state === 'ended');
  });
});

test('a job that was given up is followed again when its host returns', async () => {
  const home = journal(2);
  const seen = world(home);
  for (const one of home.slice(0, 2)) seen.feed(one);
  await settled(seen);
  await seen.replicas.forget(seen.copy as unknown as LiveJob);
  expect(seen.copy.replica.state).toBe('lost');
  seen.digest(3);
  await settled(seen);
  expect(seen.copy.events).toEqual(home);
  expect(seen.copy.replica.state).toBe('following');
});

type Seen = ReturnType<typeof world>;
