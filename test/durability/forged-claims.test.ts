import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { claim, joinHub } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** Each case has its own job: the number of jobs of each test. */
const JOBS = { field: 12, type: 1, refused: 23, data: 1 };
const REPLY = 'mam/v1/default/clients/forger/replies';

let lab: Lab;
let server: LabServer;
let client: MqttClient;
let count = 0;
const answers: Json[] = [];

beforeAll(async () => {
  lab = new Lab();
  for (const [name, jobs] of Object.entries(JOBS)) for (let n = 0; n < jobs; n++) plant(lab, `${name}-${n}`);
  server = await lab.startServer();
});
afterAll(() => lab.end());

beforeEach(async () => {
  // A test may have ended the hub.
  await server.ask('list_jobs');
  client = await joinHub(lab.home, { clientId: 'forger', reconnectPeriod: 50 });
  client.on('message', (_topic, payload) => answers.push(JSON.parse(payload.toString())));
  await client.subscribeAsync(REPLY, { qos: 1 });
});

/** Publishes a claim, given as JSON so that it can have any key, and returns the hub's answer. */
async function ask(job: string, event: string): Promise<Json> {
  const event_id = `forged-${++count}`;
  const head = `{"event_id":"${event_id}","reply_to":"${REPLY}",`;
  await claim(client, job, head + event.slice(1));
  return until('an answer', () => answers.find((answer) => answer.event_id === event_id));
}

/** The next hub reads the journal again. */
async function restart(): Promise<void> {
  await endHub(lab);
  await server.ask('list_jobs');
}

test("the hub's own fields in a claim are left out, and the event is still there after a restart", async () => {
  const fields = [
    ...['"seq":2', '"seq":1e300', '"seq":"2"', '"recorded_at":"1970-01-01T00:00:00.000Z"'],
    ...['"recorded_at":{}', '"late":true', '"texts":{"result":"x"}', '"texts":7'],
    ...['"texts":{"detail":{}}', '"texts":null', '"unheard":true', '"__proto__":{"seq":1}'],
  ];
  for (const [n, field] of fields.entries()) {
    await ask(`field-${n}`, '{"type":"progress"}');
    const answer = await ask(`field-${n}`, `{"type":"completed","detail":"done",${field}}`);
    expect(answer, field).toMatchObject({ recorded: true, seq: 3, status: 'completed' });
  }
  await restart();
  for (const [n, field] of fields.entries()) {
    const [, , completed] = lab.events(`field-${n}`);
    expect(completed, field).toMatchObject({ seq: 3, type: 'completed' });
    for (const name of ['late', 'texts', 'unheard', '__proto__'])
      expect(Object.hasOwn(completed ?? {}, name), `${field} ${name}`).toBe(false);
    expect(completed?.recorded_at).toMatch(/^20/);
    const job_id = `field-${n}`;
    expect(await server.ask('job_status', { job_id })).toMatchObject({ status: 'completed' });
    expect(JSON.stringify(await server.ask('job_logs', { job_id })), field).toContain('done');
  }
});

test('an unknown type is recorded and changes nothing, whatever its name', async () => {
  const types = ['constructor', '__proto__', 'to_string', 'value_of', 'a'.repeat(40)];
  for (const type of types)
    expect(await ask('type-0', `{"type":"${type}","more":[1]}`), type).toMatchObject({ recorded: true });
  await restart();
  const recorded = lab.events('type-0').slice(1);
  expect(recorded.map(({ type }) => type)).toEqual(types);
  expect(recorded.at(-1)).toMatchObject({ more: [1] });
  expect(JSON.stringify(await server.ask('job_logs', { job_id: 'type-0' }))).toContain('constructor');
  expect(lab.hubLog()).not.toContain('failed');
});

test('a claim that cannot be accepted is refused with a sentence, and the next one is accepted', async () => {
  const cases: [string, string][] = [
    ['{"type":""}', "The event's type"],
    ['{"type":"hasOwnProperty"}', "The event's type"],
    ['{"type":"a b"}', "The event's type"],
    [`{"type":"${'a'.repeat(41)}"}`, "The event's type"],
    ['{"type":"progréss"}', "The event's type"],
    ['{"type":"progress\\u001b"}', "The event's type"],
    ['{"type":7}', "The event's type"],
    ['{"type":"progress","files":{"length":3}}', "The event's files"],
    ['{"type":"completed","files":[["x"]]}', "The event's files"],
    ['{"type":"progress","detail":{}}', "The event's detail"],
    ['{"type":"progress","data":7}', "The event's data"],
    ['{"type":"progress","data":[]}', "The event's data"],
    ['{"type":"progress","data":null}', "The event's data"],
    ['{"type":"permission_required","data":{"tool":{}}}', "The event's data.tool"],
    ['{"type":"permission_required","data":{"tool":"Bash","input":["ls"]}}', "The event's data.input"],
    ['{"type":"permission_required","data":{"tool":"Bash","input":"ls"},"result":"rm -rf ."}', 'no result'],
    ['{"type":"answered","source":"person","data":{"decision":"allow"}}', 'the command "answer"'],
    ['{"type":"answered","source":"supervisor","data":{"request_id":7}}', "The event's data.request_id"],
    ['{"type":"verified","source":"person","data":{"passed":"yes"}}', "The event's data.passed"],
    ['{"type":"permission_resolved","source":"hook","data":{"decision":{}}}', "The event's data.decision"],
    [`{"type":"progress","more":"${'x'.repeat(5_000)}"}`, 'unknown fields are longer than'],
    [`{"type":"progress","more":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'nested deeper'],
    [`{"type":"progress","data":${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}}`, 'nested deeper'],
  ];
  for (const [n, [claim, words]] of cases.entries()) {
    const answer = await ask(`refused-${n}`, claim);
    expect(answer, claim.slice(0, 80)).toMatchObject({ accepted: false, recorded: false });
    expect(answer.refusal).toContain(words);
    expect(answer.refusal).toMatch(/\.$|\)$/);
    expect(lab.events(`refused-${n}`)).toHaveLength(1);
    expect(await ask(`refused-${n}`, '{"type":"progress"}')).toMatchObject({ recorded: true, seq: 2 });
  }
});

test("a claim can't carry the data of the hub's own events; unknown fields stay", async () => {
  const data = {
    job: { job_id: 'job-1', status: 'completed' },
    agent_session: { pane: '%1' },
    ...{ waited: true, by: 'dialog', what: 'reminder', evidence: 'the hook has reported it' },
    ...{ passed: true, decision: 'allow', percent: 50 },
  };
  for (const type of ['started', 'progress', 'question', 'of_my_own']) {
    const claim = JSON.stringify({ type, detail: 'well', data });
    expect(await ask('data-0', claim)).toMatchObject({ recorded: true });
    expect(lab.events('data-0').at(-1)?.data, type).toEqual({ percent: 50 });
  }
  await restart();
  const started = lab.record('data-0').delivery.find(({ stage }) => stage === 'started');
  expect(started?.evidence).toBe('peer');
  expect(await server.ask('job_status', { job_id: 'data-0' })).toMatchObject({ status: 'working' });
});
