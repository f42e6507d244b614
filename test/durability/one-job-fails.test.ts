import { linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { installed, Mosquitto, PASSWORD, USER } from '../support/mosquitto.ts';
import { claim, joinBroker, joinHub } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** More than a broker delivers at once without an acknowledgement. */
const MANY = 30;

let lab: Lab;
let server: LabServer;
const details = (id: string): string[] => lab.events(id).flatMap(({ detail }) => detail ?? []);

/** Jobs of which one can't be written because its journal has a second name. @returns a function that fixes that */
function jam(id: string): () => void {
  plant(lab, id);
  const other = join(lab.project, `${id}.link`);
  linkSync(lab.paths(id).journal, other);
  return () => rmSync(other);
}

const publish = (client: MqttClient, id: string, detail: string): Promise<void> =>
  claim(client, id, { type: 'progress', detail });

describe("a job whose journal cannot be written, over the hub's own broker", () => {
  beforeAll(async () => {
    lab = new Lab();
    server = await lab.startServer();
  });
  afterAll(() => lab.end());

  test('does not delay other jobs of the same server or of a plain client; all events arrive in order', async () => {
    const free = jam('stuck');
    plant(lab, 'well');
    await server.ask('list_jobs');
    const report = (job_id: string, detail: string) => server.report(job_id, 'progress', { detail });
    for (const n of ['1', '2']) {
      expect(await report('stuck', `s${n}`)).toMatchObject({ accepted: true, recorded: false });
      expect(await report('well', `s${n}`)).toMatchObject({ recorded: true });
    }
    const client = await joinHub(lab.home);
    let closed = 0;
    client.on('close', () => closed++);
    for (const id of ['stuck', 'well', 'stuck', 'well']) await publish(client, id, `c${id}`);
    expect(closed, 'its connection stays').toBe(0);
    expect(details('well')).toEqual(['s1', 's2', 'cwell', 'cwell']);
    expect(details('stuck')).toEqual([]);
    free();
    await until('all of it is recorded', () => details('stuck').length === 4);
    expect(details('stuck').filter((detail) => detail.startsWith('s'))).toEqual(['s1', 's2']);
    expect(await report('stuck', 's3')).toMatchObject({ recorded: true });
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
    expect(details('stuck')).toHaveLength(5);
  });
});

describe.runIf(installed)('the same over Mosquitto', () => {
  let broker: Mosquitto;
  beforeAll(async () => {
    lab = new Lab();
    broker = await Mosquitto.make(lab);
    await broker.start();
    server = await lab.startServer(broker.env);
  });
  afterAll(() => lab.end());

  test('the hub stays connected, accepts all other events, and finally records the first ones once each', async () => {
    const free = jam('stuck');
    plant(lab, 'well');
    const known = { username: USER, password: PASSWORD };
    const client = await joinBroker(broker.url, { ...known, reconnectPeriod: 1_000 });
    const online: boolean[] = [];
    client.on('message', (topic, payload) => {
      if (topic.endsWith('/status')) online.push(JSON.parse(payload.toString()).online);
    });
    await client.subscribeAsync('mam/v1/default/hosts/+/status', { qos: 1 });
    await server.ask('list_jobs');
    await until('the hub has joined', () => online.at(-1) === true);
    const stuck = Array.from({ length: MANY }, (_, n) => `stuck ${n}`);
    for (const detail of stuck) await publish(client, 'stuck', detail);
    await publish(client, 'well', 'well');
    await until('the other job has its report', () => details('well').join() === 'well');
    expect(details('stuck')).toEqual([]);
    // An outside claim gains no rights by having been kept.
    await claim(client, 'stuck', '{"type":"cancelled","source":"person","detail":"forged"}');
    free();
    await until('all of it is recorded', () => details('stuck').length === MANY);
    expect(details('stuck')).toEqual(stuck);
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
    expect(online).not.toContain(false);
    expect(lab.record('stuck').status).toBe('working');
  });
});
