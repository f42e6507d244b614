import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startBroker } from '../../src/bus/broker/broker.ts';
import {
  claimTopic,
  logTopic,
  recordTopic,
  replyTopic,
  requestTopic,
  statusTopic,
} from '../../src/bus/topics.ts';
import type { Claim } from '../../src/job/claim.ts';
import { until } from '../support/until.ts';
import {
  cleanUp,
  fakeHandlers,
  gate,
  HOST,
  makeClaim,
  makeHome,
  newFakeHub,
  publishPacket,
  REALM,
  rawClient,
  startFakeHub,
} from './helpers.ts';

afterEach(cleanUp);

describe('embedded broker', () => {
  it('makes a private socket, and removes only its own', async () => {
    const home = makeHome();
    const path = join(home, 'hub.sock');
    const first = await startFakeHub(home);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const second = await startFakeHub(home);
    await first.stop();
    expect(existsSync(path)).toBe(true);
    await rawClient(path);
    await second.stop();
    expect(existsSync(path)).toBe(false);
  });

  it('refuses a socket path that the system would cut', async () => {
    const handlers = fakeHandlers(newFakeHub());
    const socketPath = `/tmp/${'x'.repeat(100)}`;
    await expect(startBroker({ socketPath, realm: REALM, handlers })).rejects.toThrow(/longer than 99/);
  });

  it('acknowledges a claim only after it is settled', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    const { opened, open } = gate();
    hub.gate = opened;
    const client = await rawClient(join(home, 'hub.sock'));
    client.claim(7, makeClaim('job-1'));
    await until('the claim arrived', () => hub.arrived.length === 1);
    // The broker is alive and answers others meanwhile.
    await rawClient(join(home, 'hub.sock'));
    expect(client.saw('puback')).toBeUndefined();
    open();
    await until('PUBACK', () => client.saw('puback', 7));
    expect(hub.journal).toHaveLength(1);
  });

  it('closes the connection without PUBACK when a claim could not be kept', async () => {
    const home = makeHome();
    const claim = (): Promise<void> => Promise.reject(new Error('disk'));
    await startFakeHub(home, { claim });
    const client = await rawClient(join(home, 'hub.sock'));
    client.claim(1, makeClaim('job-1'));
    await until('closed', () => client.closed);
    expect(client.saw('puback')).toBeUndefined();
  });

  it('keeps the order of each client, with all its claims in flight', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    const clients = await Promise.all([1, 2, 3].map((n) => rawClient(join(home, 'hub.sock'), `c${n}`)));
    for (const [n, client] of clients.entries()) {
      for (let i = 1; i <= 300; i++) {
        client.claim(i, makeClaim(`job-${n}`, String(i)));
      }
    }
    await until('all PUBACKs', () => clients.every((client) => client.saw('puback', 300)));
    for (const n of clients.keys()) {
      const details = hub.arrived
        .filter((claim: Claim) => claim.job_id === `job-${n}`)
        .map((c) => Number(c.detail));
      expect(details).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    }
  });

  it('acknowledges and drops what clients must not write', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    const path = join(home, 'hub.sock');
    const listener = await rawClient(path);
    await listener.subscribe(`mam/v1/${REALM}/#`);
    const client = await rawClient(path);
    const topics = [
      logTopic(REALM, HOST, 'job-1'),
      recordTopic(REALM, HOST, 'job-1'),
      statusTopic(REALM, HOST),
      replyTopic(REALM, 'someone'),
      requestTopic(REALM, 'elsewhere'),
      '$SYS/x',
      'foreign/topic',
      `mam/v1/${REALM}/claims/Job_1`,
      `mam/v1/${REALM}/claims/..`,
      `mam/v1/${REALM}/claims/a/b`,
      'mam/v1/other/claims/job-1',
    ];
    for (const [i, topic] of topics.entries()) {
      client.send({ ...publishPacket(i + 1, topic, 'x'), retain: true } as never);
    }
    const large = Buffer.alloc(64 * 1024 + 1, 'x');
    client.send(publishPacket(100, claimTopic(REALM, 'job-1'), large));
    const good = makeClaim('job-1');
    client.claim(101, good);
    await until('PUBACK of the good one', () => client.saw('puback', 101));
    expect(client.packets.filter((packet) => packet.cmd === 'puback')).toHaveLength(topics.length + 2);
    expect(client.closed).toBe(false);
    expect(hub.arrived.map((claim) => claim.event_id)).toEqual([good.event_id]);
    await until('the log message', () => listener.saw('publish'));
    const heard = listener.packets.flatMap((packet) => (packet.cmd === 'publish' ? packet.topic : []));
    expect(heard).toEqual([logTopic(REALM, HOST, 'job-1')]);
  });

  it('survives a handler that throws at a request', async () => {
    const home = makeHome();
    await startFakeHub(home);
    const client = await rawClient(join(home, 'hub.sock'));
    client.send(publishPacket(1, requestTopic(REALM, HOST), 'no JSON'));
    await until('PUBACK', () => client.saw('puback', 1));
    expect(client.closed).toBe(false);
  });

  it('grants subscriptions of its realm only', async () => {
    const home = makeHome();
    await startFakeHub(home);
    const client = await rawClient(join(home, 'hub.sock'));
    const topics = [`mam/v1/${REALM}/#`, 'mam/v1/other/#', '#', 'mam/v1/+/claims/+', '$SYS/#'];
    const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const }));
    client.send({ cmd: 'subscribe', messageId: 5, subscriptions });
    await until('SUBACK', () => client.saw('suback', 5));
    expect((client.saw('suback') as unknown as { granted: number[] }).granted).toEqual([
      1, 128, 128, 128, 128,
    ]);
  });

  it('delivers retained and fresh messages in publish order, and clears with an empty payload', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    const path = join(home, 'hub.sock');
    const client = await rawClient(path);
    await client.subscribe(`mam/v1/${REALM}/#`);
    for (let i = 0; i < 50; i++) {
      hub.bus.publish(recordTopic(REALM, HOST, 'job-1'), `record ${i}`, { retain: true });
      hub.bus.publish(logTopic(REALM, HOST, 'job-1'), `log ${i}`);
    }
    const texts = (of: typeof client): string[] =>
      of.packets.flatMap((packet) => (packet.cmd === 'publish' ? packet.payload.toString() : []));
    await until('all', () => texts(client).length === 100);
    expect(texts(client)).toEqual(Array.from({ length: 50 }, (_, i) => [`record ${i}`, `log ${i}`]).flat());

    const late = await rawClient(path);
    for (const [i, topic] of [
      recordTopic(REALM, HOST, 'job-1'),
      `mam/v1/${REALM}/hosts/+/jobs/+/record`,
    ].entries()) {
      await late.subscribe(topic, i + 1);
      await until('retained', () => texts(late).length === i + 1);
    }
    expect(texts(late)).toEqual(['record 49', 'record 49']);

    hub.bus.publish(recordTopic(REALM, HOST, 'job-1'), '', { retain: true });
    const last = await rawClient(path);
    await last.subscribe(recordTopic(REALM, HOST, 'job-1'));
    hub.bus.publish(recordTopic(REALM, HOST, 'job-1'), 'next');
    await until('the next', () => texts(last).length > 0);
    expect(texts(last)).toEqual(['next']);
  });

  it('counts its clients, and never keeps a session', async () => {
    const home = makeHome();
    const counts: number[] = [];
    const hub = await startFakeHub(home, { clients: (count) => counts.push(count) });
    const client = await rawClient(join(home, 'hub.sock'));
    expect(hub.bus.clients).toBe(1);
    client.end();
    await until('nobody is left', () => hub.bus.clients === 0);
    expect(counts).toEqual([1, 0]);
  });

  it('destroys the connection of a frame that is too large, before it is read', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    const client = await rawClient(join(home, 'hub.sock'));
    // A PUBLISH that announces 200 MiB.
    client.write(Buffer.from([0x32, 0x80, 0x80, 0x80, 0x64, 0, 1]));
    await until('closed', () => client.closed);
    const other = await rawClient(join(home, 'hub.sock'));
    other.claim(1, makeClaim('job-1'));
    await until('PUBACK', () => other.saw('puback', 1));
    expect(hub.journal).toHaveLength(1);
  });

  it('drops a subscriber that does not read, without delay for the others', async () => {
    const home = makeHome();
    const drainMs = 4_000;
    const hub = await startFakeHub(home, {}, { drainMs });
    const path = join(home, 'hub.sock');
    const stuck = await rawClient(path);
    await stuck.subscribe(`mam/v1/${REALM}/#`);
    stuck.pause();
    const client = await rawClient(path);
    let slowest = 0;
    for (let i = 1; hub.bus.clients === 2; i++) {
      const began = performance.now();
      const messageId = (i % 60_000) + 1;
      client.claim(messageId, makeClaim('job-1', 'x'.repeat(1900)));
      await until('PUBACK', () => client.saw('puback', messageId));
      client.packets.length = 0;
      slowest = Math.max(slowest, performance.now() - began);
    }
    // A client that waited for the other would wait until that is dropped.
    expect(slowest).toBeLessThan(drainMs);
  });
});
