import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { LabServer } from '../support/lab-server.ts';
import { installed, Mosquitto, PASSWORD, USER } from '../support/mosquitto.ts';
import { joinBroker, joinHub } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** Longer than the record of an ended job is kept, in seconds. */
const LONG_AGO_S = 11 * 60;

let lab: Lab;
let server: LabServer;
/** What a new subscriber finds on the record topics; cleared ones are removed. */
async function records(place: { url: string } | { home: string }): Promise<Map<string, string>> {
  const client =
    'url' in place
      ? await joinBroker(place.url, { username: USER, password: PASSWORD })
      : await joinHub(place.home);
  const found = new Map<string, string>();
  client.on('message', (topic, payload) => {
    const id = topic.split('/').at(-2) ?? '';
    if (payload.length === 0) found.delete(id);
    else found.set(id, JSON.parse(payload.toString()).status);
  });
  await client.subscribeAsync('mam/v1/default/hosts/+/jobs/+/record', { qos: 1 });
  return found;
}

/** A hub that has stopped or was killed; then a long time passes. */
function longAgo(id: string): void {
  const then = Date.now() / 1000 - LONG_AGO_S;
  utimesSync(join(lab.home, 'retained', id), then, then);
}

async function endThree(): Promise<void> {
  for (const id of ['open', 'ended', 'old']) {
    await server.report(id, 'started');
    if (id !== 'open') await server.report(id, 'completed', { detail: 'done' });
  }
  for (const id of ['ended', 'old'])
    await until('it is noted', () => existsSync(join(lab.home, 'retained', id)));
}

describe("over the hub's own broker", () => {
  beforeAll(async () => {
    lab = new Lab();
    for (const id of ['open', 'ended', 'old']) plant(lab, id);
    server = await lab.startServer();
  });
  afterAll(() => lab.end());

  test('the next hub shows the records of open jobs and of those that have just ended', async () => {
    await endThree();
    await lab.killHub();
    longAgo('old');
    await server.ask('list_agents');
    const found = await records({ home: lab.home });
    await until('the records are there', () => found.size === 2);
    expect(Object.fromEntries(found)).toEqual({ open: 'working', ended: 'completed' });
    expect(lab.inHome('retained')).toEqual(['ended']);
  });
});

describe.runIf(installed)('over Mosquitto', () => {
  let broker: Mosquitto;
  beforeAll(async () => {
    lab = new Lab();
    broker = await Mosquitto.make(lab);
    await broker.start();
    for (const id of ['open', 'ended', 'old']) plant(lab, id);
    server = await lab.startServer(broker.env);
  });
  afterAll(() => lab.end());

  test('the next hub clears what the last one left there, when its time is over', async () => {
    const found = await records(broker);
    await server.ask('list_jobs');
    await until('the broker is joined', () => found.size === 3);
    await endThree();
    await until(
      'the ends are shown',
      () => [...found.values()].filter((s) => s === 'completed').length === 2,
    );
    await endHub(lab);
    longAgo('old');
    await server.ask('list_agents');
    await until('one is cleared', () => !found.has('old'));
    const afresh = await records(broker);
    await until('the others are there', () => afresh.size === 2);
    expect(Object.fromEntries(afresh)).toEqual({ open: 'working', ended: 'completed' });
    await until('its note is gone', () => !existsSync(join(lab.home, 'retained', 'old')));
  });

  test('a broker that starts after the hub gets the open jobs', async () => {
    await endHub(lab);
    await broker.kill();
    await server.report('open', 'question', { detail: 'Which?' });
    await broker.start();
    const found = await records(broker);
    await until('it is shown', () => found.get('open') === 'input_required');
  });

  test("nothing stays under the machine's previous name", async () => {
    await endHub(lab);
    writeFileSync(join(lab.home, 'retained', '.hosts'), 'old-name-123456\n');
    const topic = 'mam/v1/default/hosts/old-name-123456/jobs/open/record';
    const client = await joinBroker(broker.url, { username: USER, password: PASSWORD });
    const texts: string[] = [];
    client.on('message', (_topic, payload) => texts.push(payload.toString()));
    await client.subscribeAsync(topic, { qos: 1 });
    await client.publishAsync(topic, '{"status":"working"}', { qos: 1, retain: true });
    await server.ask('list_agents');
    await until('it is cleared', () => texts.at(-1) === '');
    const { host } = JSON.parse(readFileSync(join(lab.home, 'hub.json'), 'utf8'));
    const noted = readFileSync(join(lab.home, 'retained', '.hosts'), 'utf8');
    expect(noted).toBe(`old-name-123456\n${host}\n`);
  });
});
