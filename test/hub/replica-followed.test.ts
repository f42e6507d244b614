import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startBroker } from '../../src/bus/broker/broker.ts';
import type { HubBus } from '../../src/bus/hub-bus.ts';
import { exitCodeAfter } from '../../src/cli/core/exit.ts';
import { buildHub } from '../../src/hub/build.ts';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { openLink } from '../../src/link/client.ts';
import { JobStream } from '../../src/link/job-stream.ts';
import type { Link } from '../../src/link/link.ts';
import { waitForJobs } from '../../src/link/waiter.ts';
import { Subscriptions } from '../../src/mcp/offers/subscriptions.ts';
import type { LogMessage } from '../../src/operations/request.ts';
import { waitSummary } from '../../src/operations/wait.ts';
import { ensureHome, homePaths } from '../../src/registry/home.ts';
import { loadSettings, type Settings } from '../../src/settings/config.ts';
import { ORDER } from '../job/story.ts';
import { atHome, JOB_ID, lastOf } from '../support/replica.ts';
import { until } from '../support/until.ts';

const SINCE = '2026-11-30T14:03:00.000Z';

let folder: string;
let settings: Settings;
let hub: ReturnType<typeof buildHub>;
let link: Link;
let job: LiveJob;
/** What the hub would have published on a broker of others. */
let outside: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mam-followed-'));
  settings = await loadSettings({ cwd: folder }, { MAM_HOME: join(folder, 'home'), HOME: folder });
  ensureHome(homePaths(settings.home));
  const log = { info() {}, warn() {}, error() {} };
  hub = buildHub({ settings, log, onEnd() {}, keepsLock: async () => true });
  const { socketPath, realm } = settings;
  const request = (payload: Buffer): void => void hub.requests.takeRequest(payload);
  const claim = (id: string, payload: Buffer) => hub.kept.takeClaim(id, payload, 'socket');
  outside = [];
  const other: HubBus = { publish: (topic) => outside.push(topic), clients: 0, stop: async () => {} };
  hub.buses.push(await startBroker({ socketPath, realm, handlers: { claim, request } }), other);
  hub.brokers.sayOnline();
  link = openLink(settings, async () => {
    throw new Error('the hub is gone');
  });
  const { registrar } = hub;
  await registrar.ready(settings.registryDir);
  const place = { registry_dir: settings.registryDir, log_dir: join(settings.registryDir, JOB_ID) };
  const supervisor = { client: 'test', session: 's', channel: true };
  job = registrar.createReplica({ ...ORDER, ...place, supervisor }, 'Mend the roof', { home: 'hostb' });
  await job.kept;
  for (const event of atHome().journal) await registrar.follow(job, event);
});

afterEach(async () => {
  await link.close();
  hub.parts.stop();
  await hub.outlets.flush();
  await hub.mesh.stop();
  await hub.brokers.stop();
  await hub.registrar.close();
  await hub.servers.close();
  rmSync(folder, { recursive: true, force: true });
});

const goesOffline = (episode: number) => hub.registrar.setReplica(job, { offline_since: SINCE, episode });
const comesBack = () => hub.registrar.setReplica(job, { offline_since: undefined });

/** A wait; `begun` resolves once it is known to be active. */
function wait(cursor?: string, until: 'any' | 'all' = 'any') {
  const { host, registryDir } = settings;
  const stop = new AbortController();
  const seen: LogMessage[] = [];
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const answer = waitForJobs({
    ...{ link, host, registryDir, until, cursor, timeoutMs: 60_000, signal: stop.signal },
    jobIds: [JOB_ID],
    onWaiting: () => begin(),
    onEvent: (message) => seen.push(message),
  });
  return { answer, begun, seen, stop: () => stop.abort() };
}

test('a wait ends when the host goes away, once each time, and not when it comes back', async () => {
  const first = wait();
  await first.begun;
  await goesOffline(1);
  const one = await first.answer;
  expect(one).toMatchObject({
    outcome: 'needs_attention',
    jobs: [{ status: 'working', home: { host: 'hostb', online: false, offline_since: SINCE } }],
    cursor: `${JOB_ID}:5!1`,
    events: [],
  });
  expect(exitCodeAfter(one)).toBe(4);
  expect(waitSummary(one)).toContain('offline');
  expect(first.seen).toEqual([]);

  const second = wait(one.cursor);
  await second.begun;
  await comesBack();
  await goesOffline(2);
  expect(await second.answer).toMatchObject({ outcome: 'needs_attention', cursor: `${JOB_ID}:5!2` });

  // What has happened meanwhile is over.
  await comesBack();
  const third = wait(one.cursor);
  await third.begun;
  await hub.registrar.follow(job, lastOf(atHome().next('completed', { source: 'peer' })));
  const end = await third.answer;
  expect(end).toMatchObject({ outcome: 'final', cursor: `${JOB_ID}:6!2` });
  expect(end.events.map(({ seq }) => seq)).toEqual([6]);
  expect(third.seen.map(({ event }) => event.type)).toEqual(['completed']);
});

test('a cursor of an earlier version, and a wait without one, learn of a host that is away', async () => {
  await goesOffline(1);
  for (const cursor of [undefined, `${JOB_ID}:5`])
    expect(await wait(cursor).answer).toMatchObject({ outcome: 'needs_attention' });
  const waiting = wait(`${JOB_ID}:5!1`);
  await waiting.begun;
  waiting.stop();
  expect(await waiting.answer).toMatchObject({ outcome: 'still_running', cursor: `${JOB_ID}:5!1` });
  await expect(wait(`${JOB_ID}:5!`).answer).rejects.toMatchObject({ code: 'bad_input' });
});

test('a wait ends when the job is lost', async () => {
  const waiting = wait(`${JOB_ID}:5`);
  await waiting.begun;
  await hub.registrar.setReplica(job, { state: 'lost' });
  const end = await waiting.answer;
  expect(end).toMatchObject({ outcome: 'final', jobs: [{ home: { state: 'lost' } }] });
  expect(exitCodeAfter(end)).toBe(1);
  // It is no news for whoever knows it, and nobody waits for it any more.
  expect(await wait(end.cursor, 'all').answer).toMatchObject({ outcome: 'final' });
  const { registryDir: registry_dir } = settings;
  const open = await link.request('list', { registry_dir, open_only: true, limit: 10 });
  expect(open.jobs).toEqual([]);
});

test('what changes while a stream looks for what it has missed is not lost, and not taken back', async () => {
  const { host, registryDir } = settings;
  let record: JobRecord | undefined;
  const onNews = (news: { record: JobRecord }): void => {
    record = news.record;
  };
  const failures: unknown[] = [];
  const onFailed = (error: unknown): void => void failures.push(error);
  const stream = new JobStream({ link, host, registryDir, jobId: JOB_ID, onNews, onFailed });
  try {
    for (let episode = 1; episode <= 20; episode++) {
      void stream.fetchMissed();
      await goesOffline(episode);
      if (episode < 20) await comesBack();
    }
    await until('the last state', () => record?.home?.episode === 20 && !record.home.online);
    void stream.fetchMissed();
    await comesBack();
    await until('the host is there', () => record?.home?.online === true);
    expect(failures).toEqual([]);
  } finally {
    stream.end();
  }
});

test('a list has it with its host, and the open jobs of a session include it', async () => {
  const { registryDir: registry_dir } = settings;
  await goesOffline(1);
  const all = await link.request('list', { registry_dir, session: 's', open_only: true, limit: 10 });
  expect(all.jobs).toMatchObject([
    { job_id: JOB_ID, host: 'hostb', status: 'working', reason: 'host_offline', needs_you: true },
  ]);
  expect(all.need_you).toBe(1);
});

test('the channel tells its session once of each time that the host is away', async () => {
  const address = { job_id: JOB_ID, registry_dir: settings.registryDir };
  const tell = async () => (await link.request('status', { ...address, seen_by: 's', told: 'channel' })).told;
  expect(await tell()).toBe(false);
  await goesOffline(1);
  expect([await tell(), await tell()]).toEqual([true, false]);
  await comesBack();
  expect(await tell()).toBe(false);
  await goesOffline(2);
  expect(await tell()).toBe(true);
  expect(job.replica).toMatchObject({ notified_seq: 0, notified_episode: 2 });
  expect(job.record.seq).toBe(5);
});

test('a subscribed resource is updated when the host goes away, and when it comes back', async () => {
  const updates: string[] = [];
  const connection = {
    settings,
    hear: (id: string | undefined, listener: (message?: LogMessage) => void) =>
      id === undefined ? link.followAll(settings.host, listener) : link.follow(id, settings.host, listener),
    peek: link.request.bind(link),
    whole: async (id: string) => id,
  };
  const notify = async ({ params }: { params: { uri: string } }) => void updates.push(params.uri);
  const subscriptions = new Subscriptions(connection as never, notify as never, () => {});
  const uris = [`mam://jobs/${JOB_ID}`, 'mam://jobs'];
  try {
    for (const uri of uris) await subscriptions.subscribe(uri);
    for (const change of [() => goesOffline(1), comesBack]) {
      updates.length = 0;
      await change();
      await until('both are updated', () => uris.every((uri) => updates.includes(uri)));
    }
  } finally {
    for (const uri of uris) subscriptions.unsubscribe(uri);
  }
});

test('the on_event command runs once each time that the host is away, and for the end', async () => {
  const told = join(folder, 'told');
  const config = { on_event: ['sh', '-c', `cat >> '${told}'`] };
  writeFileSync(join(settings.home, 'config.json'), JSON.stringify(config));
  const changes = () =>
    readFileSync(told, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  await goesOffline(1);
  await until('one run', () => changes().length === 1);
  await comesBack();
  await goesOffline(2);
  await until('two runs', () => changes().length === 2);
  await comesBack();
  await hub.registrar.follow(job, lastOf(atHome().next('completed', { source: 'peer' })));
  await hub.registrar.setReplica(job, { state: 'ended' });
  await until('three runs', () => changes().length === 3);
  await hub.onEvent.flush();
  const away = { event: 'needs_you', job_id: JOB_ID, type: 'host_offline', reason: 'host_offline' };
  expect(changes()).toMatchObject([away, away, { event: 'final', type: 'completed' }]);
});

test('nothing of it is on a broker that others use', async () => {
  await hub.registrar.follow(job, lastOf(atHome().next('completed', { source: 'peer' })));
  await hub.outlets.flush();
  expect(outside.filter((topic) => topic.includes(JOB_ID))).toEqual([]);
  expect(readdirSync(homePaths(settings.home).retained)).toEqual([]);
});

test('its pane is never looked at here, and a report on it is not taken', async () => {
  const address = { job_id: JOB_ID, registry_dir: settings.registryDir };
  // No host of that name is configured, so nobody can be asked.
  expect(await link.request('screen', address)).toMatchObject({
    screen: [],
    missing: expect.stringContaining('hostb'),
  });
  await expect(link.request('cancel', { ...address, by: 'person' })).rejects.toThrow('hostb');
  const claim = { event_id: 'e-1', job_id: JOB_ID, type: 'completed', source: 'peer', at: SINCE };
  await hub.kept.takeClaim(JOB_ID, Buffer.from(JSON.stringify(claim)), 'socket');
  expect(job.record).toMatchObject({ status: 'working', seq: 5 });
});
