import { join, relative } from 'node:path';
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allTexts } from '../support/all-texts.ts';
import { Lab } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { LabServer } from '../support/lab-server.ts';
import { installed, Mosquitto, PASSWORD, USER } from '../support/mosquitto.ts';
import { claim, joinBroker } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
let broker: Mosquitto;

async function setUp(start = true): Promise<void> {
  lab = new Lab();
  broker = await Mosquitto.make(lab);
  if (start) await broker.start();
}

/** A plain client, like any other program: it only publishes and subscribes. */
async function plain(): Promise<{ client: MqttClient; seen: { topic: string; text: string }[] }> {
  const known = { username: USER, password: PASSWORD };
  const client = await joinBroker(broker.url, { ...known, reconnectPeriod: 50 });
  const seen: { topic: string; text: string }[] = [];
  client.on('message', (topic, payload) => seen.push({ topic, text: payload.toString() }));
  await client.subscribeAsync('mam/v1/default/#', { qos: 1 });
  return { client, seen };
}

describe.runIf(installed)('over Mosquitto, from one process to another', () => {
  let supervisor: LabServer;
  let peer: LabServer;
  beforeAll(async () => {
    await setUp();
    for (const job of ['through', 'again', 'known']) plant(lab, job);
    supervisor = await lab.startServer(broker.env);
    peer = await lab.startServer({ ...broker.env, MAM_ROLE: 'peer' });
  });
  afterAll(() => lab.end());

  test('a whole job goes from the supervisor to a peer of another process and back', async () => {
    const { client, seen } = await plain();
    const agent = await lab.startPeer('mute', { session: 'worker' });
    // Requests to the hub do not go over the broker: what happens before the hub has joined is not published there.
    await supervisor.ask('list_jobs');
    await lab.logged('joined the broker');
    const order = { prompt: 'Say hello', agent: 'command', agent_session: 'tmux:worker' };
    const job = await supervisor.ask('delegate_job', order);
    expect(job.delivery_stage).toBe('submitted');
    expect(agent.pastes.join()).toContain(job.job_id);
    expect(agent.keys).toContain('\r');
    const waited = supervisor.ask('wait_job', { job_id: job.job_id, timeout_seconds: 40 });
    const started = await peer.report(job.job_id, 'started');
    expect(started).toMatchObject({ accepted: true, recorded: true, task: 'Say hello' });
    // What one line of mosquitto_pub sends.
    await claim(client, job.job_id, '{"type":"progress","detail":"from outside"}');
    await until('it is recorded', () => lab.events(job.job_id).at(-1)?.detail === 'from outside');
    await peer.report(job.job_id, 'completed', { detail: 'hello' });
    expect(await waited).toMatchObject({
      outcome: 'final',
      jobs: [{ status: 'completed', detail: 'hello' }],
    });
    // What mosquitto_sub shows.
    const seenOn = (name: string) =>
      seen
        .filter(({ topic, text }) => topic.endsWith(`/jobs/${job.job_id}/${name}`) && text !== '')
        .map(({ text }) => JSON.parse(text));
    await until('the subscriber saw the end', () => seenOn('log').at(-1)?.event.type === 'completed');
    const types = seenOn('log').map(({ event }) => event.type);
    expect(types).toEqual(lab.events(job.job_id).map(({ type }) => type));
    // It is written some time after the event.
    await until('the record says so too', () => seenOn('record').at(-1)?.status === 'completed');
    expect(seen.some(({ topic, text }) => topic.endsWith('/status') && JSON.parse(text).online)).toBe(true);
    expect((await lab.start(['wait', '--job', job.job_id], { env: broker.env }).ended).code).toBe(0);
  });

  test('a hub answers only for its own jobs: others on the broker may have the rest', async () => {
    const { client, seen } = await plain();
    await supervisor.ask('list_jobs');
    await lab.logged('joined the broker');
    const reply_to = 'mam/v1/default/clients/other/replies';
    const answers = () => seen.filter(({ topic }) => topic === reply_to).map(({ text }) => JSON.parse(text));
    await claim(client, 'nobodys-job', { event_id: 'of-nobody', type: 'progress', reply_to });
    // An answer to the first one would have come by the last of these.
    for (const event_id of ['one', 'two', 'three', 'four']) {
      await claim(client, 'known', { event_id, type: 'progress', reply_to });
      await until(`${event_id} is answered`, () => answers().some((one) => one.event_id === event_id));
    }
    expect(answers().map(({ event_id, accepted }) => [event_id, accepted])).toEqual(
      ['one', 'two', 'three', 'four'].map((id) => [id, true]),
    );
  });

  test('a broker that is killed and restarted loses nothing that was acknowledged, and the waiter continues', async () => {
    const waited = supervisor.ask('wait_job', { job_id: 'through', timeout_seconds: 40 });
    await peer.report('through', 'started');
    const acknowledged: string[] = [];
    let stop = false;
    const lane = async (name: string): Promise<void> => {
      for (let n = 1; !stop; n++) {
        const detail = `${name}:${n}`;
        const { accepted } = await peer.report('through', 'progress', { detail });
        if (accepted) acknowledged.push(detail);
      }
    };
    const lanes = ['a', 'b', 'c', 'd'].map(lane);
    await until('events flow', () => acknowledged.length > 100);
    await broker.kill();
    const before = acknowledged.length;
    await until('events flow without it', () => acknowledged.length > before + 100);
    await broker.start();
    await until('events flow with it', () => acknowledged.length > before + 200);
    stop = true;
    await Promise.all(lanes);
    await peer.report('through', 'completed', { detail: 'end' });
    expect(await waited).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
    const details = lab.events('through').flatMap(({ detail }) => detail ?? []);
    expect(acknowledged.filter((detail) => !details.includes(detail))).toEqual([]);
    expect(new Set(details).size).toBe(details.length);
    for (const name of ['a', 'b', 'c', 'd']) {
      const numbers = details
        .filter((detail) => detail.startsWith(`${name}:`))
        .map((detail) => Number(detail.slice(2)));
      expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
    }
  });

  test('the hub killed in the middle: acknowledged reports are recorded, the waiter is served by the next hub', async () => {
    const waited = supervisor.ask('wait_job', { job_id: 'again', timeout_seconds: 45 });
    await peer.report('again', 'started');
    await lab.killHub();
    const answer = await peer.report('again', 'completed', { detail: 'end' });
    expect(answer.accepted).toBe(true);
    expect(await waited).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });
  });
});

describe('a hub without a broker', () => {
  beforeAll(async () => {
    lab = new Lab();
    plant(lab, 'mixed');
    await (await lab.startServer()).ask('list_jobs');
  });
  afterAll(() => lab.end());

  const OTHER = { MAM_BROKER_URL: 'mqtt://127.0.0.1:9', MAM_REALM: 'default' };
  test.each([
    ['another broker', OTHER, 'the broker embedded, not mqtt://127.0.0.1:9'],
    ['another realm', { MAM_REALM: 'team-b' }, 'realm default, not team-b'],
  ])('a client with %s than the hub gets an error; its reports get through', async (_what, env, words) => {
    const client = await lab.startServer(env);
    const text = await client.refusal('list_jobs');
    expect(text).toContain(words);
    expect(text).toContain('mam hub restart');
    const wait = await lab.start(['wait'], { env }).ended;
    expect(wait.code).toBe(69);
    expect(wait.stderr).toContain(words);
    const report = await client.report('mixed', 'progress', { detail: words });
    expect(report.accepted).toBe(true);
    await until('it is recorded', () => lab.events('mixed').some(({ detail }) => detail === words));
  });
});

describe.runIf(installed)('over Mosquitto', () => {
  afterEach(() => lab.end());

  test('a broker that is down at the start is reported; events get through with or without it', async () => {
    await setUp(false);
    plant(lab, 'early');
    const server = await lab.startServer(broker.env);
    // The hub's own machine needs no broker.
    expect((await server.ask('list_jobs')).total).toBe(1);
    await lab.logged(`The MQTT broker mqtt://127.0.0.1:${broker.port} cannot be reached (ECONNREFUSED).`);
    const status = await lab.start(['hub'], { env: broker.env }).ended;
    expect(status.stdout).toContain('not connected: The MQTT broker');
    expect(status.stdout).toContain('Check MAM_BROKER_URL');
    const answer = await server.report('early', 'progress', { detail: 'kept' });
    expect(answer.accepted).toBe(true);
    const shell = await lab.start(['publish', '--job', 'early', '--event', 'progress', '--detail', 'shell'], {
      env: broker.env,
    }).ended;
    expect(shell).toMatchObject({ code: 0, stderr: '' });
    await until('both are in the journal', () => lab.events('early').length === 3);
    await broker.start();
    await lab.logged('joined the broker');
    expect((await server.ask('list_jobs')).total).toBe(1);
    const details = lab.events('early').map(({ detail }) => detail);
    expect(details.sort()).toEqual(['kept', 'shell', undefined]);
  });

  test('a wrong password is reported, and no password is written anywhere', async () => {
    await setUp();
    plant(lab, 'secret');
    const wrong = 'wr0ng-pass-55';
    const url = broker.url.replace('//', `//${USER}:${wrong}@`);
    const outputs: string[] = [];
    const inUrl = await lab.startServer({ MAM_BROKER_URL: url });
    expect((await inUrl.ask('list_jobs')).total).toBe(1);
    const told = `The MQTT broker mqtt://127.0.0.1:${broker.port} refused the user name or the password.`;
    await lab.logged(told);
    const status = await lab.start(['hub', '--json'], { env: { MAM_BROKER_URL: url } }).ended;
    expect(JSON.parse(status.stdout).broker_problem).toContain('MAM_BROKER_PASSWORD');
    outputs.push(status.stdout, status.stderr);
    await endHub(lab);

    const right = await lab.startServer(broker.env);
    await right.report('secret', 'progress', { detail: 'x' });
    // A hub that takes more than a second to start finds it in the outbox.
    await lab.event('secret', 'progress');
    const listed = await right.ask('list_jobs');
    await lab.logged('joined the broker');
    const hub = await lab.start(['hub', '--json'], { env: broker.env }).ended;
    outputs.push(JSON.stringify(listed), hub.stdout, hub.stderr, inUrl.stderr, right.stderr);
    outputs.push(allTexts(lab.folder, (path) => path.includes('/mosquitto/')));
    for (const { command } of lab.processes) outputs.push(command);
    expect(outputs.join('\n')).toContain('joined the broker');
    for (const secret of [wrong, PASSWORD]) expect(outputs.join('\n')).not.toContain(secret);
  });

  test('a broker on another machine is joined only over an encrypted connection', async () => {
    lab = new Lab();
    plant(lab, 'open');
    // A documentation address, which nobody has.
    const env = { MAM_BROKER_URL: 'mqtt://me:sw0rd@192.0.2.1:1883' };
    const words = 'The MQTT broker mqtt://192.0.2.1:1883 is on another machine';
    const server = await lab.startServer(env);
    const text = await server.refusal('list_jobs');
    expect(text).toContain(words);
    expect(text).toContain('Use mqtts:// in MAM_BROKER_URL, or set MAM_BROKER_PLAIN=1');
    expect(text).not.toContain('sw0rd');
    const said = (command: string, more = {}) => lab.start([command], { env: { ...env, ...more } }).ended;
    expect(await said('wait')).toMatchObject({ code: 69, stderr: expect.stringContaining(words) });
    expect((await said('doctor')).stdout).toContain(words);
    const wrong = await said('list', { MAM_BROKER_PLAIN: 'yes' });
    expect(wrong.stderr).toContain('MAM_BROKER_PLAIN must be 1 or 0');
    // The hub has not joined it either, and no report is lost.
    const report = await server.report('open', 'progress', { detail: 'kept' });
    expect(report.accepted).toBe(true);
    await until('it is recorded', () => lab.events('open').some(({ detail }) => detail === 'kept'));
    await lab.logged(words);
  });

  test('over TLS: MAM_BROKER_CA is a file, also from the command line; without it the reason is reported', async () => {
    lab = new Lab();
    broker = await Mosquitto.make(lab, { tls: true });
    await broker.start();
    plant(lab, 'safe');
    const stranger = await lab.startServer(broker.env);
    expect((await stranger.ask('list_jobs')).total).toBe(1);
    await lab.logged('is not trusted');
    expect(lab.hubLog()).toContain('MAM_BROKER_CA');
    await endHub(lab);
    // Relative to the caller's folder, not to the hub's.
    const env = { ...broker.env, MAM_BROKER_CA: relative(lab.project, broker.certificate) };
    const server = await lab.startServer(env);
    expect(await server.ask('job_status', { job_id: 'safe' })).toMatchObject({ status: 'queued' });
    await lab.logged('joined the broker');
    const ended = await lab.start(['publish', '--job', 'safe', '--event', 'completed'], { env }).ended;
    const stdout = expect.stringContaining('recorded: safe is completed');
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout });
    await endHub(lab);
    const missing = { env: { ...broker.env, MAM_BROKER_CA: '/no/file.pem' } };
    expect((await lab.start(['wait', '--job', 'safe'], missing).ended).code).toBe(0);
    await lab.logged('/no/file.pem cannot be read');
  });

  test('a report starts the hub when none has ever run; once that hub is killed, a client without the broker is served', async () => {
    await setUp();
    plant(lab, 'first');
    const peer = await lab.startServer(broker.env);
    const answer = await peer.report('first', 'progress', { detail: 'early' });
    expect(answer.accepted).toBe(true);
    await until('it is recorded', () => lab.events('first').some(({ detail }) => detail === 'early'));
    // The outbox is emptied before the hub lets clients in.
    await lab.hubPid();
    await peer.close();
    await lab.killHub();
    expect((await (await lab.startServer()).ask('list_jobs')).total).toBe(1);
  });

  test('two hubs on one broker: the one that has the job answers', async () => {
    const there = await twoHubs();
    // If its home takes longer than the others wait, as on a busy machine, the peer reports again: see below.
    for (let n = 0; n < 10; n++) {
      const event = { job_id: 'mine', event: 'progress', detail: `far ${n}` };
      const far = await until('its home answers', () => there.ask('publish_event', event));
      expect(far).toMatchObject({ accepted: true, recorded: true });
    }
    const refused = await there.refusal('publish_event', { job_id: 'nobodys-job', event: 'progress' });
    expect(refused).toContain('There is no job with this id');
  });

  // An open problem: after a while the answer of a hub without the job is believed; a restarting home takes longer.
  test.fails('two hubs on one broker: a home that is slow is not overruled', async () => {
    const there = await twoHubs();
    const pid = await lab.hubPid();
    process.kill(pid, 'SIGSTOP');
    try {
      const answer = await there.report('mine', 'completed', { detail: 'from afar' });
      expect(answer.accepted).toBe(true);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  /** A job `mine` at the home of the lab. @returns a peer's server with another home, as on another machine */
  async function twoHubs(): Promise<LabServer> {
    await setUp();
    const home = join(lab.folder, 'home-2');
    lab.homes.push(home);
    plant(lab, 'mine');
    const here = await lab.startServer(broker.env);
    const registry = join(lab.folder, 'registry-2');
    const there = await lab.startServer({ ...broker.env, MAM_HOME: home, MAM_REGISTRY_DIR: registry });
    await Promise.all([here.ask('list_jobs'), there.ask('list_jobs')]);
    for (const one of [lab.home, home]) await lab.logged('joined the broker', one);
    return there;
  }
});
