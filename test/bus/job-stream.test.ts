import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logTopic } from '../../src/bus/topics.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { followJob } from '../../src/link/follow-job.ts';
import { type JobNews, JobStream, type JobStreamOptions } from '../../src/link/job-stream.ts';
import type { Link } from '../../src/link/link.ts';
import { waitForJobs } from '../../src/link/waiter.ts';
import type { LogMessage, Request } from '../../src/operations/request.ts';
import type { StatusParams } from '../../src/operations/status.ts';
import { until } from '../support/until.ts';
import {
  cleanUp,
  type FakeHub,
  gate,
  HOST,
  makeHome,
  makeLink,
  onCleanUp,
  REALM,
  startFakeHub,
} from './helpers.ts';

/** How many events one answer of the hub carries. */
const PAGE = 3;

/** A hub with one job, whose journal the test writes. It may lose notifications of events, and be slow to answer. */
class Job {
  readonly id = 'roof';
  readonly events: RecordedEvent[] = [];
  readonly asked: (number | undefined)[] = [];
  /** True while every request fails. */
  broken = false;
  /** Set while requests are not answered. */
  gate: Promise<void> | undefined;
  #hub: FakeHub | undefined;

  async serve(home: string): Promise<void> {
    this.#hub = await startFakeHub(home, {
      request: (payload) => void this.#answer(JSON.parse(`${payload}`)),
    });
  }

  async stop(): Promise<void> {
    await this.#hub?.stop();
  }

  record(seq = this.events.length): JobRecord {
    const final = this.events[seq - 1]?.type === 'completed';
    const standing = { status: final ? 'completed' : 'working', phase: 'started' };
    const ids = { job_id: this.id, supervisor: { client: 'test', session: 's' } };
    return { ...ids, ...standing, seq, wake_seq: final ? seq : 0 } as unknown as JobRecord;
  }

  /** @param heard false if the hub's notification is lost */
  happen(type: string, heard = true): void {
    const at = new Date().toISOString();
    const seq = this.events.length + 1;
    const ids = { seq, event_id: `e${seq}`, job_id: this.id };
    const event = { ...ids, type, source: 'peer', at, recorded_at: at } as const;
    this.events.push(event);
    if (heard) this.say(event);
  }

  say(event: RecordedEvent): void {
    const record = this.record(event.seq);
    const { status, phase, wake_seq } = record;
    const message: LogMessage = { event, status, phase, ...(wake_seq === event.seq && { record }) };
    this.#hub?.bus.publish(logTopic(REALM, HOST, this.id), JSON.stringify(message));
  }

  async #answer({ request_id, reply_to, params }: Request): Promise<void> {
    const { job_id, events_after: after } = params as StatusParams;
    this.asked.push(after);
    await this.gate;
    const all = after === undefined ? [] : this.events.slice(after);
    const more = all.length > PAGE;
    const events = all.slice(0, PAGE);
    const cursor = more ? events.at(-1)?.seq : this.events.length;
    const answer = this.broken
      ? { error: { code: 'io', message: 'The journal cannot be read.', hint: '' } }
      : job_id === this.id
        ? { result: { record: this.record(), events, cursor, more, task_file: '' } }
        : { error: { code: 'not_found', message: 'There is no job with this id.', hint: '' } };
    this.#hub?.bus.publish(reply_to, JSON.stringify({ request_id, ...answer }));
  }
}

let job: Job;
let home: string;
let link: Link;
beforeEach(async () => {
  job = new Job();
  home = makeHome();
  await job.serve(home);
  link = makeLink(home);
});
afterEach(cleanUp);

const common = () => ({ link, host: HOST, registryDir: '/r' });

/** A stream, and what it has passed on. */
function open(more: Partial<JobStreamOptions> = {}) {
  const told = { news: [] as JobNews[], failed: [] as unknown[] };
  const stream = new JobStream({
    ...common(),
    jobId: job.id,
    onNews: (news) => told.news.push(news),
    onFailed: (error) => told.failed.push(error),
    ...more,
  });
  onCleanUp(() => stream.end());
  return Object.assign(stream, {
    told,
    seqs: () => told.news.flatMap(({ events }) => events.map(({ seq }) => seq)),
  });
}

/** A stream that has looked once. */
async function opened(after = 0) {
  const stream = open({ after });
  await until('it looked', () => stream.told.news.length === 1);
  return stream;
}

describe('the stream of a job', () => {
  it('reports existing events page by page, then new ones, with one request per page', async () => {
    for (let n = 0; n < 7; n++) job.happen('progress');
    const stream = open({ after: 1 });
    await until('all was told', () => stream.seqs().length === 6);
    job.happen('progress');
    job.happen('completed');
    await until('the end was told', () => stream.seqs().length === 8);
    expect(stream.seqs()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stream.told.news.map(({ whole }) => whole)).toEqual([false, true, false, true]);
    expect(stream.told.news.at(-2)?.record).toMatchObject({ status: 'working', seq: 8 });
    expect(stream.seen).toBe(9);
    expect(job.asked).toEqual([1, 4]);
  });

  it('without a seq reports the state, and events from now on', async () => {
    job.happen('started');
    const stream = open();
    await until('it knows the state', () => stream.told.news.length === 1);
    expect(stream.told.news[0]).toMatchObject({ events: [], record: { seq: 1 }, whole: true });
    job.happen('progress');
    await until('it heard', () => stream.told.news.length === 2);
    expect(stream.seqs()).toEqual([2]);
  });

  it('requests missed events, and reports none twice', async () => {
    const stream = await opened();
    job.happen('progress');
    job.happen('progress', false);
    job.happen('progress');
    await until('it has all', () => stream.seqs().length === 3);
    for (const event of job.events) job.say(event);
    job.happen('progress');
    await until('it has the last', () => stream.seen === 4);
    expect(stream.seqs()).toEqual([1, 2, 3, 4]);
    expect(job.asked).toEqual([0, 1]);
  });

  it('queues what arrives during a look, and sends no second request', async () => {
    const stream = await opened();
    const { opened: answered, open: answer } = gate();
    job.gate = answered;
    job.happen('progress', false);
    void stream.fetchMissed();
    void stream.fetchMissed();
    await until('it asks', () => job.asked.length === 2);
    for (let n = 0; n < 5; n++) job.happen('progress');
    answer();
    await until('it has all', () => stream.seqs().length === 6);
    expect(stream.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    // Five of them did not fit on one page.
    expect(job.asked).toEqual([0, 0, 3]);
  });

  it('continues by itself after losing the hub', async () => {
    const stream = await opened();
    job.happen('progress');
    await until('it heard', () => stream.seen === 1);
    await job.stop();
    job.happen('progress', false);
    await job.serve(home);
    await until('it has what it missed', () => stream.seen === 2);
    job.happen('progress');
    await until('it hears again', () => stream.seen === 3);
    expect(stream.seqs()).toEqual([1, 2, 3]);
    expect(stream.told.failed).toEqual([]);
  });

  it("if the look for a lost event fails, reports the job's state, and the events with the next look", async () => {
    const stream = await opened();
    job.broken = true;
    job.happen('progress', false);
    job.happen('completed');
    await until('it knows the end', () => stream.told.news.length === 2);
    expect(stream.told.news[1]).toMatchObject({ events: [], record: { status: 'completed' }, whole: true });
    expect(stream.seen).toBe(0);
    job.broken = false;
    await stream.fetchMissed();
    expect(stream.seqs()).toEqual([1, 2]);
    expect(stream.told.failed).toEqual([]);
  });

  it('requests only once what no journal has', async () => {
    const stream = await opened();
    job.happen('progress');
    job.say({ ...job.events[0], seq: 900 } as RecordedEvent);
    await until('it asked', () => stream.told.news.length === 3);
    job.happen('progress');
    await until('it heard', () => stream.seen === 2);
    expect(job.asked).toEqual([0, 1]);
  });

  it('of a journal that was longer continues from the present', async () => {
    job.happen('started');
    const stream = await opened(40);
    expect(stream.seen).toBe(1);
    job.happen('progress');
    await until('it heard', () => stream.seen === 2);
    expect(stream.seqs()).toEqual([2]);
  });

  it('ends with an unknown job, and reports nothing after its end', async () => {
    const stream = open({ jobId: 'unknown' });
    await until('it failed', () => stream.told.failed.length === 1);
    expect(stream.told.failed[0]).toMatchObject({ code: 'not_found' });
    const other = await opened();
    other.end();
    const last = open({ after: 0 });
    job.happen('progress');
    await until('another one heard', () => last.seen === 1);
    expect(other.seqs()).toEqual([]);
  });
});

describe('who follows', () => {
  it('a job is notified of its end without another request', async () => {
    const seqs: number[] = [];
    const signal = new AbortController().signal;
    const onEvents = (events: RecordedEvent[]) => seqs.push(...events.map(({ seq }) => seq));
    const end = followJob({ ...common(), jobId: job.id, after: 0, signal, onEvents });
    await until('it asks', () => job.asked.length === 1);
    job.happen('progress');
    job.happen('completed');
    expect(await end).toMatchObject({ status: 'completed', seq: 2 });
    expect(seqs).toEqual([1, 2]);
    expect(job.asked).toEqual([0]);
  });

  it('and waits for it with a cursor beyond its journal gets the present state', async () => {
    job.happen('completed');
    const signal = new AbortController().signal;
    const wait = { ...common(), jobIds: [job.id, job.id], until: 'all', timeoutMs: 5_000, signal } as const;
    const end = await waitForJobs({ ...wait, cursor: `${job.id}:40` });
    expect(end).toMatchObject({ outcome: 'final', jobs: [{ seq: 1 }], events: [], cursor: `${job.id}:1` });
  });

  it('a wait that is aborted before it begins follows nothing', async () => {
    const stop = new AbortController();
    stop.abort();
    const wait = { ...common(), jobIds: [job.id], until: 'any', timeoutMs: 5_000 } as const;
    expect(await waitForJobs({ ...wait, signal: stop.signal })).toMatchObject({ outcome: 'still_running' });
    expect(job.asked).toEqual([]);
    expect(link.connected).toBe(false);
  });
});
