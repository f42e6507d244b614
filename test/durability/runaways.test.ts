import { appendFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { keepInOutbox, outboxFolder } from '../../src/bus/outbox.ts';
import { homePaths } from '../../src/registry/home.ts';
import { Seal } from '../../src/registry/seal.ts';
import { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

const REPLY = 'mam/v1/default/clients/third/replies';
const CLAIMS = 'mam/v1/default/claims/';
/** So few that a test can spend them, and so slow that none comes back while it looks: 4 at once, and one each 30 s. */
const FEW = { MAM_HUB_EVENTS_PER_MINUTE: '2' };
const AT_ONCE = 4;
/** How many a slow machine lets come back while a test runs. */
const SLACK = 4;

let lab: Lab;
const clients: MqttClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await lab.end();
});

/** A plain MQTT.js client on the hub's socket. */
async function connect(name: string): Promise<MqttClient> {
  const client = new mqtt.MqttClient(() => createConnection(join(lab.home, 'hub.sock')), { clientId: name });
  clients.push(client);
  client.on('error', () => {});
  await new Promise((done) => client.once('connect', done));
  return client;
}

/** One that hears what the hub answers, by the event's id. */
async function third(): Promise<{ client: MqttClient; answers: Map<string, Json> }> {
  const client = await connect('third');
  const answers = new Map<string, Json>();
  client.on('message', (_topic, payload) => {
    const answer = JSON.parse(payload.toString());
    answers.set(answer.event_id, answer);
  });
  await client.subscribeAsync(REPLY, { qos: 1 });
  return { client, answers };
}

/** Publishes events `prefix-0`… on the job `open`; resolves when all are acknowledged. */
async function flood(client: MqttClient, prefix: string, type: string, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      client.publishAsync(
        `${CLAIMS}open`,
        JSON.stringify({ event_id: `${prefix}-${n}`, type, detail: `${n}`, reply_to: REPLY }),
        { qos: 1 },
      ),
    ),
  );
}

const count = (type: string): number => lab.events('open').filter((event) => event.type === type).length;

test('a burst of 5,000 events of one job from 8 publishers is recorded whole', async () => {
  lab = new Lab();
  plant(lab, 'open');
  await (await lab.startServer()).ask('list_jobs');
  const publishers = await Promise.all(Array.from({ length: 8 }, (_, n) => connect(`burst-${n}`)));
  await Promise.all(publishers.map((client, n) => flood(client, `b${n}`, 'progress', 625)));
  const ids = lab.events('open').map(({ event_id }) => event_id);
  expect(new Set(ids).size).toBe(5_001);
  expect(count('throttled')).toBe(0);
});

test('a loop of started on a job that has failed before it was started is refused', async () => {
  lab = new Lab(FEW);
  plant(lab, 'open');
  const at = new Date().toISOString();
  const lost = { seq: 2, event_id: 'lost', job_id: 'open', type: 'session_lost', source: 'hub', at };
  appendFileSync(lab.paths('open').journal, signed(lab.home, 'open', { ...lost, recorded_at: at }));
  await (await lab.startServer()).ask('job_status', { job_id: 'open' });
  expect(lab.record('open')).toMatchObject({ status: 'failed', reason: 'session_lost' });
  const { client, answers } = await third();
  await flood(client, 's', 'started', 400);
  await until('all are answered', () => answers.size === 400);
  expect(count('started')).toBeLessThanOrEqual(AT_ONCE + SLACK);
  await flood(client, 'c', 'completed', 1);
  expect(lab.record('open')).toMatchObject({ status: 'completed', late: true });
});

test('a loop is refused: acknowledged, answered, told once; what matters still gets through', async () => {
  lab = new Lab(FEW);
  plant(lab, 'open');
  const server = await lab.startServer();
  await server.ask('list_jobs');
  const { client, answers } = await third();
  let closes = 0;
  client.on('close', () => closes++);
  await flood(client, 'loop', 'progress', 1_000);
  await until('all are answered', () => answers.size === 1_000);
  const all = [...answers.values()];
  const recorded = all.filter(({ accepted }) => accepted);
  expect(recorded.length).toBeGreaterThanOrEqual(AT_ONCE);
  expect(recorded.length).toBeLessThan(AT_ONCE + SLACK);
  expect(count('progress')).toBe(recorded.length);
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
  expect(lab.events('open').filter(({ type }) => type === 'throttled')).toEqual([
    expect.objectContaining({ source: 'hub', data: { type: 'progress' } }),
  ]);

  // What was recorded once is answered so again, however much came since.
  answers.clear();
  await flood(client, 'loop', 'progress', 1);
  await until('it is answered', () => answers.size === 1);
  expect(answers.get('loop-0')).toMatchObject({ accepted: true, recorded: true, seq: 2 });

  // The first started, a question and the end have their own share.
  expect(await server.ask('publish_event', { job_id: 'open', event: 'started' })).toMatchObject({
    accepted: true,
    task: expect.any(String),
  });
  await flood(client, 'again', 'started', 50);
  await flood(client, 'made-up', 'whatever', 50);
  expect(count('started') + count('whatever')).toBeLessThan(1 + SLACK);
  for (const event of ['question', 'permission_required'])
    expect(await server.ask('publish_event', { job_id: 'open', event, detail: '?' })).toMatchObject({
      accepted: true,
      status: 'input_required',
    });
  await flood(client, 'asks', 'question', 500);
  expect(count('question')).toBeLessThan(AT_ONCE + SLACK);

  // Every road says it.
  await flood(client, 'more', 'progress', 200);
  expect(await server.ask('publish_event', { job_id: 'open', event: 'progress' })).toMatchObject({
    accepted: false,
    recorded: false,
    next: expect.stringContaining('End the loop'),
  });
  const shell = await lab.mam('publish', '--job', 'open', '--event', 'progress');
  expect(shell).toMatchObject({ code: 1, stderr: expect.stringContaining('End the loop') });
  expect(count('throttled')).toBe(1);
  expect(
    await server.ask('publish_event', { job_id: 'open', event: 'completed', detail: 'done' }),
  ).toMatchObject({
    accepted: true,
    status: 'completed',
  });
  // On a job that is closed nothing matters any more.
  await flood(client, 'closed', 'completed', 300);
  expect(count('completed')).toBeLessThan(1 + SLACK);
});

test('what the outbox has kept is recorded whole: its publisher was told so', async () => {
  lab = new Lab(FEW);
  plant(lab, 'open');
  await (await lab.startServer()).ask('list_jobs');
  for (let n = 1; n <= 200; n++) {
    await keepInOutbox(outboxFolder(lab.home), 'kept', n, {
      ...{ event_id: `kept-${n}`, job_id: 'open', type: 'progress', source: 'peer' },
      ...{ at: new Date().toISOString(), writer: 'kept', writer_seq: n },
    });
  }
  await until('all are recorded', () => count('progress') === 200);
  const shell = await lab.mam('publish', '--job', 'open', '--event', 'progress');
  expect(shell.stderr).toContain('2 a minute');
});

test('a journal with 100,000 events takes no more progress, and the end still', async () => {
  lab = new Lab({ MAM_HUB_EVENTS_PER_MINUTE: '100000000' });
  plant(lab, 'open');
  const at = new Date().toISOString();
  const told = { job_id: 'open', type: 'progress', source: 'peer', at, recorded_at: at };
  const lines = Array.from({ length: 99_900 }, (_, n) => ({ seq: n + 2, event_id: `e${n}`, ...told }));
  const seal = Seal.of(homePaths(lab.home));
  const text = lines.map((event) => `\n${seal.sign('open', JSON.stringify(event))}\n`).join('');
  appendFileSync(lab.paths('open').journal, text);
  const server = await lab.startServer();
  await server.ask('list_jobs');
  const { client } = await third();
  await flood(client, 'more', 'progress', 300);
  expect(count('progress')).toBe(99_999);
  expect(await server.ask('publish_event', { job_id: 'open', event: 'progress' })).toMatchObject({
    accepted: false,
    next: expect.stringContaining('has 100000 events and takes no more progress'),
  });
  expect(await server.ask('publish_event', { job_id: 'open', event: 'completed' })).toMatchObject({
    status: 'completed',
  });
});

test('texts that are too long are refused on every road, with the limit', async () => {
  lab = new Lab();
  plant(lab, 'open');
  const server = await lab.startServer();
  await server.ask('list_jobs');
  const { client, answers } = await third();
  const files = Array(101).fill('a');
  const long = 'x'.repeat(2_001);
  const event = { job_id: 'open', event: 'completed' };
  expect(await server.refusal('publish_event', { ...event, detail: long })).toContain('detail');
  expect(await server.refusal('publish_event', { ...event, files })).toContain('files');
  expect(await server.refusal('publish_event', { ...event, result: 'x'.repeat(1024 * 1024 + 1) })).toContain(
    '1 MiB',
  );
  const shell = await lab.mam('publish', '--job', 'open', '--event', 'completed', '--detail', long);
  expect(shell).toMatchObject({ code: 64, stderr: expect.stringContaining('2,000 characters') });
  for (const [more, words] of [
    [{ detail: long }, 'The detail is longer than 2,000 characters: shorten it'],
    [{ files }, 'There are more than 100 files: name the folder'],
    [{ files: ['x'.repeat(1_001)] }, 'longer than 1,000 characters'],
  ] as const) {
    answers.clear();
    await client.publishAsync(
      `${CLAIMS}open`,
      JSON.stringify({ event_id: 'e', type: 'completed', reply_to: REPLY, ...more }),
      { qos: 1 },
    );
    await until('it is answered', () => answers.size === 1);
    expect(answers.get('e')).toMatchObject({ accepted: false, refusal: expect.stringContaining(words) });
  }
  expect(lab.events('open')).toHaveLength(1);
});
