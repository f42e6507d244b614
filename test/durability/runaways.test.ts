import { appendFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepInOutbox, outboxFolder } from '../../src/bus/spool/outbox.ts';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { EventRates } from '../../src/hub/reports/event-rates.ts';
import { loadSettings } from '../../src/settings/config.ts';
import { Lab } from '../support/lab.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { claim, joinHub } from '../support/mqtt.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** One for each job: an answer may still be in flight when its test has ended. */
const replies = (job: string): string => `mam/v1/default/clients/${job}/replies`;
/** So few that a test can use them up, and refilled so slowly that none returns meanwhile: 4 at once, and one every 30 s. */
const FEW = { MAM_HUB_EVENTS_PER_MINUTE: '2' };
const AT_ONCE = 4;
/** How many may return while a test runs on a slow machine. */
const SLACK = 4;

let lab: Lab;
let server: LabServer;

afterAll(() => lab.end());

/**
 * A hub of that kind for all tests of a group, each with its own job: the allowance is counted per job.
 * @param made makes what the jobs of these tests have before the hub takes them up
 */
function withHub(jobs: string[], env: Record<string, string>, made: () => void): void {
  beforeAll(async () => {
    await lab?.end();
    lab = new Lab(env);
    for (const job of jobs) plant(lab, job);
    made();
    server = await lab.startServer();
    await server.ask('list_jobs');
  });
}

/** A plain MQTT.js client on the hub's socket. */
const connect = (name: string) => joinHub(lab.home, { clientId: name, reconnectPeriod: 1_000 });

/** One that receives the hub's answers, by event id. */
async function third(job: string): Promise<{ client: MqttClient; answers: Map<string, Json> }> {
  const client = await connect('third');
  const answers = new Map<string, Json>();
  client.on('message', (_topic, payload) => {
    const answer = JSON.parse(payload.toString());
    answers.set(answer.event_id, answer);
  });
  await client.subscribeAsync(replies(job), { qos: 1 });
  return { client, answers };
}

/** Publishes events `prefix-0`… on a job; resolves when all are acknowledged. */
async function flood(client: MqttClient, job: string, prefix: string, type: string, count: number) {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      claim(client, job, { event_id: `${prefix}-${n}`, type, detail: `${n}`, reply_to: replies(job) }),
    ),
  );
}

const count = (job: string, type: string): number =>
  lab.events(job).filter((event) => event.type === type).length;

test('at most 10,000 events of a job may arrive at once', async () => {
  const { hubEventsPerMinute } = await loadSettings({ cwd: tmpdir() }, { MAM_HOME: join(tmpdir(), 'none') });
  const rates = new EventRates(hubEventsPerMinute ?? 0);
  const job = { id: 'open', length: 1, record: { status: 'working' } } as LiveJob;
  let taken = 0;
  while (taken < 11_000 && rates.countEvent(job, 'progress', false) === undefined) taken++;
  expect(taken).toBeGreaterThanOrEqual(10_000);
  // Some of the allowance returns meanwhile.
  expect(taken).toBeLessThan(11_000);
});

describe('where few events are allowed', () => {
  withHub(['lost', 'looping', 'keeping'], FEW, () => {
    const at = new Date().toISOString();
    const lost = { seq: 2, event_id: 'lost', job_id: 'lost', type: 'session_lost', source: 'hub', at };
    appendFileSync(lab.paths('lost').journal, signed(lab.home, 'lost', { ...lost, recorded_at: at }));
  });

  test('a loop of started on a job that failed before it was started is refused', async () => {
    const job = 'lost';
    expect(lab.record(job)).toMatchObject({ status: 'failed', reason: 'session_lost' });
    const { client, answers } = await third(job);
    await flood(client, job, 's', 'started', 100);
    await until('all are answered', () => answers.size === 100);
    expect(count(job, 'started')).toBeLessThanOrEqual(AT_ONCE + SLACK);
    await flood(client, job, 'c', 'completed', 1);
    expect(lab.record(job)).toMatchObject({ status: 'completed', late: true });
  });

  test('a loop is refused: acknowledged, answered, logged once; what matters still gets through', async () => {
    const job = 'looping';
    const { client, answers } = await third(job);
    let closes = 0;
    client.on('close', () => closes++);
    await flood(client, job, 'loop', 'progress', 200);
    await until('all are answered', () => answers.size === 200);
    const all = [...answers.values()];
    const recorded = all.filter(({ accepted }) => accepted);
    expect(recorded.length).toBeGreaterThanOrEqual(AT_ONCE);
    expect(recorded.length).toBeLessThan(AT_ONCE + SLACK);
    expect(count(job, 'progress')).toBe(recorded.length);
    expect(all.find(({ accepted }) => !accepted)).toEqual({
      event_id: expect.any(String),
      accepted: false,
      recorded: false,
      status: 'working',
      refusal: expect.stringMatching(
        /more than 4 events at once, or 2 a minute.*End the loop.*completed and error/,
      ),
    });
    expect(closes).toBe(0);
    expect(lab.events(job).filter(({ type }) => type === 'throttled')).toEqual([
      expect.objectContaining({ source: 'hub', data: { type: 'progress' } }),
    ]);

    // A recorded event gets the same answer again, however many came since.
    answers.clear();
    await flood(client, job, 'loop', 'progress', 1);
    await until('it is answered', () => answers.size === 1);
    expect(answers.get('loop-0')).toMatchObject({ accepted: true, recorded: true, seq: 2 });

    // The first started, a question and the end have their own allowance.
    expect(await server.report(job, 'started')).toMatchObject({ accepted: true, task: expect.any(String) });
    await flood(client, job, 'again', 'started', 50);
    await flood(client, job, 'made-up', 'whatever', 50);
    expect(count(job, 'started') + count(job, 'whatever')).toBeLessThan(1 + SLACK);
    for (const event of ['question', 'permission_required'])
      expect(await server.report(job, event, { detail: '?' })).toMatchObject({
        accepted: true,
        status: 'input_required',
      });
    await flood(client, job, 'asks', 'question', 100);
    expect(count(job, 'question')).toBeLessThan(AT_ONCE + SLACK);

    // Every interface says so.
    await flood(client, job, 'more', 'progress', 50);
    expect(await server.report(job, 'progress')).toMatchObject({
      accepted: false,
      recorded: false,
      next: expect.stringContaining('End the loop'),
    });
    const shell = await lab.mam('publish', '--job', job, '--event', 'progress');
    expect(shell).toMatchObject({ code: 1, stderr: expect.stringContaining('End the loop') });
    expect(count(job, 'throttled')).toBe(1);
    expect(await server.report(job, 'completed', { detail: 'done' })).toMatchObject({
      accepted: true,
      status: 'completed',
    });
    // On a closed job nothing matters any more.
    await flood(client, job, 'closed', 'completed', 100);
    expect(count(job, 'completed')).toBeLessThan(1 + SLACK);
  });

  test('everything in the outbox is recorded, as its publisher was promised', async () => {
    const job = 'keeping';
    for (let n = 1; n <= 40; n++) {
      await keepInOutbox(outboxFolder(lab.home), 'kept', {
        ...{ event_id: `kept-${n}`, job_id: job, type: 'progress', source: 'peer' },
        ...{ at: new Date().toISOString(), writer: 'kept', writer_seq: n },
      });
    }
    await until('all are recorded', () => count(job, 'progress') === 40);
    const shell = await lab.mam('publish', '--job', job, '--event', 'progress');
    expect(shell.stderr).toContain('2 a minute');
  });
});

describe('with the limits as they are', () => {
  withHub(['burst', 'full', 'long'], {}, () => {
    const at = new Date().toISOString();
    const told = { event_id: 'last', job_id: 'full', type: 'progress', source: 'peer', at, recorded_at: at };
    // As if the earlier ones could not be read: only the number of the last one counts.
    appendFileSync(lab.paths('full').journal, signed(lab.home, 'full', { seq: 99_901, ...told }));
  });

  test('a burst of 2,000 events of one job from 8 publishers is recorded whole', async () => {
    const job = 'burst';
    const publishers = await Promise.all(Array.from({ length: 8 }, (_, n) => connect(`burst-${n}`)));
    await Promise.all(publishers.map((client, n) => flood(client, job, `b${n}`, 'progress', 250)));
    const ids = lab.events(job).map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(2_001);
    expect(count(job, 'throttled')).toBe(0);
  });

  test('a journal with 100,000 events accepts no more progress, but still the end', async () => {
    const job = 'full';
    const { client } = await third(job);
    await flood(client, job, 'more', 'progress', 150);
    const lines = readFileSync(lab.paths(job).journal, 'utf8').split('\n').filter(Boolean);
    expect(lines.filter((line) => JSON.parse(line).type === 'progress')).toHaveLength(1 + 99);
    expect(await server.report(job, 'progress')).toMatchObject({
      accepted: false,
      next: expect.stringContaining('has 100000 events and takes no more progress'),
    });
    expect(await server.report(job, 'completed')).toMatchObject({ status: 'completed' });
  });

  test('texts that are too long are refused by every interface, with the limit', async () => {
    const job = 'long';
    const { client, answers } = await third(job);
    const files = Array(101).fill('a');
    const long = 'x'.repeat(2_001);
    const event = { job_id: job, event: 'completed' };
    expect(await server.refusal('publish_event', { ...event, detail: long })).toContain('detail');
    expect(await server.refusal('publish_event', { ...event, files })).toContain('files');
    expect(
      await server.refusal('publish_event', { ...event, result: 'x'.repeat(1024 * 1024 + 1) }),
    ).toContain('1 MiB');
    const shell = await lab.mam('publish', '--job', job, '--event', 'completed', '--detail', long);
    expect(shell).toMatchObject({ code: 64, stderr: expect.stringContaining('2,000 characters') });
    for (const [more, words] of [
      [{ detail: long }, 'The detail is longer than 2,000 characters'],
      [{ files }, 'There are more than 100 files: name the folder'],
      [{ files: ['x'.repeat(1_001)] }, 'longer than 1,000 characters'],
    ] as const) {
      answers.clear();
      await claim(client, job, { event_id: 'e', type: 'completed', reply_to: replies(job), ...more });
      await until('it is answered', () => answers.size === 1);
      expect(answers.get('e')).toMatchObject({ accepted: false, refusal: expect.stringContaining(words) });
    }
    expect(lab.events(job)).toHaveLength(1);
  });
});
