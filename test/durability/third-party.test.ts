import { readFileSync } from 'node:fs';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { claim, joinHub } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const REPLY = 'mam/v1/default/clients/third/replies';
const CLAIMS = 'mam/v1/default/claims/';

/** Each test has a job `open-N` of its own; a job `ended` is closed. */
const TESTS = 6;

let lab: Lab;
let server: LabServer;
let tests = 0;

beforeAll(async () => {
  lab = new Lab();
  for (let n = 1; n <= TESTS; n++) plant(lab, `open-${n}`);
  plant(lab, 'ended');
  server = await lab.startServer();
  // Waits for the hub, where a report would not.
  await server.ask('list_jobs');
  await server.report('ended', 'completed');
});
afterAll(() => lab.end());

interface Third {
  open: string;
  client: MqttClient;
  closes: () => number;
  /** Publishes a claim and returns the hub's answer. */
  ask(jobId: string, event: object): Promise<Json>;
}

/** A plain MQTT.js client on the socket of the embedded hub, and the jobs of this test. */
async function third(): Promise<Third> {
  const open = `open-${++tests}`;
  const client = await joinHub(lab.home, { clientId: 'third', reconnectPeriod: 50 });
  let closes = 0;
  client.on('close', () => closes++);
  const answers: Json[] = [];
  client.on('message', (_topic, payload) => answers.push(JSON.parse(payload.toString())));
  await client.subscribeAsync(REPLY, { qos: 1 });
  let n = 0;
  return {
    open,
    client,
    closes: () => closes,
    async ask(jobId, event) {
      const event_id = `${open}-third-${++n}`;
      await claim(client, jobId, { event_id, reply_to: REPLY, ...event });
      return until('an answer', () => answers.find((answer) => answer.event_id === event_id));
    },
  };
}

test('a claim of two fields is recorded before it is acknowledged', async () => {
  const { open, client } = await third();
  await claim(client, open, '{"type":"progress","detail":"x"}');
  expect(lab.events(open).at(-1)).toMatchObject({ type: 'progress', detail: 'x', source: 'peer', seq: 2 });
});

test('what is refused is acknowledged and answered, and the connection stays', async () => {
  const { open, client, ask, closes } = await third();
  const refused: [string, object, string][] = [
    ['nobody', { type: 'progress' }, 'There is no job with this id. Open jobs: open-'],
    ['ended', { type: 'started' }, 'Stop: '],
    [open, { type: 'Not a type' }, "The event's type"],
    [open, { type: 'progress', detail: 'x'.repeat(2_001) }, 'The detail is longer than 2,000 characters'],
    [open, { type: 'progress', detail: 7 }, "The event's detail"],
    [open, { detail: 'no type' }, "The event's type"],
    [open, { type: 'progress', job_id: 'ended' }, 'not the one in its topic'],
    [open, { type: 'timeout', source: 'hub' }, 'cannot come from a hub'],
    [open, { type: 'progress', source: 'hub' }, 'cannot come from a hub'],
    [open, { type: 'validated', source: 'peer' }, 'cannot come from a peer'],
    [open, { type: 'progress', source: 'god' }, "The event's source"],
    [open, { type: 'completed', result_spool: '/etc/passwd' }, 'is not a file of the hub'],
    [open, { type: 'completed', files: 'one' }, "The event's files"],
  ];
  for (const [job, claim, words] of refused) {
    const answer = await ask(job, claim);
    expect(answer.accepted, JSON.stringify(claim)).toBe(false);
    expect(answer.refusal).toContain(words);
  }
  expect((await ask('nobody', { type: 'progress' })).refusal).not.toContain('ended');
  expect(lab.events(open)).toHaveLength(1);
  // A report on a final job is kept in the log and changes nothing.
  const late = await ask('ended', { type: 'error', detail: 'too late' });
  expect(late).toMatchObject({ accepted: false, recorded: true });
  expect(lab.events('ended').at(-1)).toMatchObject({ type: 'error', late: true });
  expect(closes()).toBe(0);
  expect(client.connected).toBe(true);
  const taken = { accepted: true, recorded: true, status: 'working' };
  expect(await ask(open, { type: 'progress' })).toMatchObject(taken);
});

test('garbage is ignored: invalid JSON, foreign topics, oversized payloads; the connection continues', async () => {
  const { open, client, ask, closes } = await third();
  const pid = await lab.hubPid();
  const rubbish: [string, string | Buffer][] = [
    [CLAIMS + open, 'no json'],
    [CLAIMS + open, '[]'],
    [CLAIMS + open, 'null'],
    [CLAIMS + open, ''],
    [CLAIMS + open, Buffer.from([0xff, 0xfe, 0x00])],
    [CLAIMS + open, JSON.stringify({ type: 'progress', detail: 'x', more: 'y'.repeat(65 * 1024) })],
    [`${CLAIMS}${open}/more`, '{"type":"progress"}'],
    [`${CLAIMS}OPEN`, '{"type":"progress"}'],
    [`${CLAIMS}..`, '{"type":"progress"}'],
    ['mam/v1/other/claims/open', '{"type":"progress"}'],
    [`mam/v1/default/hosts/x/jobs/${open}/log`, '{"event":{}}'],
    ['something/else', 'x'],
    ['$SYS/x', 'x'],
    [`mam/v1/default/hosts/${lab.hub().host}/requests`, 'no json'],
    [`mam/v1/default/hosts/${lab.hub().host}/requests`, 'null'],
    [
      `mam/v1/default/hosts/${lab.hub().host}/requests`,
      JSON.stringify({ request_id: 'r', protocol: 1, command: '__proto__', reply_to: REPLY }),
    ],
    [
      `mam/v1/default/hosts/${lab.hub().host}/requests`,
      JSON.stringify({ request_id: 'r', protocol: 1, command: 'delegate', params: null, reply_to: REPLY }),
    ],
    [
      `mam/v1/default/hosts/${lab.hub().host}/requests`,
      JSON.stringify({
        request_id: 'r',
        protocol: 1,
        command: 'status',
        params: { job_id: '../../etc' },
        reply_to: REPLY,
      }),
    ],
  ];
  for (const [topic, payload] of rubbish) await client.publishAsync(topic, payload, { qos: 1 });
  expect(await ask(open, { type: 'progress', detail: 'still here' })).toMatchObject({
    accepted: true,
    seq: 2,
  });
  expect(closes()).toBe(0);
  expect(isRunning(pid)).toBe(true);
  expect(lab.hubLog()).not.toContain('    at ');
});

test('a forged reply_to cannot speak in the name of the hub', async () => {
  const { open, client, ask } = await third();
  const waiter = lab.start(['wait', '--job', open, '--timeout', '20']);
  const host = lab.hub().host;
  let before = 0;
  await until('the waiter follows', async () => {
    before++;
    await ask(open, { type: 'progress', detail: 'seen by the waiter' });
    return waiter.seen.stdout.includes('seen by the waiter');
  });
  const log = `mam/v1/default/hosts/${host}/jobs/${open}/log`;
  for (const reply_to of [log, '#', 'a/+/b', '$SYS/x', '', CLAIMS + open]) {
    await claim(client, open, { type: 'progress', reply_to });
    const request = { request_id: 'r', protocol: 1, command: 'hub_status', params: {}, reply_to };
    await client.publishAsync(`mam/v1/default/hosts/${host}/requests`, JSON.stringify(request), { qos: 1 });
  }
  await ask(open, { type: 'completed', detail: 'all went well' });
  const ended = await waiter.ended;
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^mam: waiting for job [^\n]*\n$/) });
  expect(lab.events(open).filter(({ type }) => type === 'progress')).toHaveLength(before + 6);
});

test('a packet above the limit ends only its own connection', async () => {
  const { open, client, closes } = await third();
  await server.report(open, 'progress');
  client.publish(CLAIMS + open, Buffer.alloc(1024 * 1024, 'x'), { qos: 1 }, () => {});
  await until('it is closed', () => closes() > 0);
  expect(await server.report(open, 'progress')).toMatchObject({ seq: 3 });
  const hub = readFileSync(`/proc/${await lab.hubPid()}/status`, 'utf8');
  expect(Number(/VmRSS:\s+(\d+)/.exec(hub)?.[1])).toBeLessThan(200_000);
});

test('a request that arrives twice delegates once', async () => {
  const { client } = await third();
  const agent = await lab.startPeer('mute', { session: 'twice' });
  const params = {
    ...{ prompt: 'only once', agent: 'command', agent_session: 'twice', workdir: lab.project },
    ...{ timeout_seconds: 60, idle_timeout_seconds: 60, on_busy: 'queue', mam_command: 'mam' },
    ...{ tmux_socket: lab.socket, registry_dir: lab.registry },
    supervisor: { client: 'third', session: 'third' },
  };
  const request = { request_id: 'same', protocol: 1, command: 'delegate', params, reply_to: REPLY };
  const answers: Json[] = [];
  client.on('message', (_topic, payload) => answers.push(JSON.parse(payload.toString())));
  const topic = `mam/v1/default/hosts/${lab.hub().host}/requests`;
  await client.publishAsync(topic, JSON.stringify(request), { qos: 1 });
  await until('the first is answered', () => answers.length === 1);
  // A client that lost its connection sends it again, perhaps to the next hub.
  await lab.killHub();
  await server.ask('list_jobs');
  await until('it is connected again', () => client.connected);
  await client.subscribeAsync(REPLY, { qos: 1 });
  await client.publishAsync(topic, JSON.stringify(request), { qos: 1 });
  await until('the second is answered', () => answers.length === 2);
  const ids = answers.map(({ result }) => result.record.job_id);
  expect(ids[1]).toBe(ids[0]);
  expect([agent.pastes.length, agent.keys]).toEqual([1, '\r']);
});
