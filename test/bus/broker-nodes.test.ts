import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UrlAddress } from '../../src/bus/address.ts';
import { connectExternal } from '../../src/bus/broker/external.ts';
import { BrokerNodes } from '../../src/bus/broker-nodes.ts';
import { openConnection } from '../../src/bus/connection.ts';
import { externalAddresses } from '../../src/bus/hub-address.ts';
import { claimTopic, statusTopic } from '../../src/bus/topics.ts';
import { roundTrip } from '../../src/link/round-trip.ts';
import type { BrokerSettings } from '../../src/settings/broker-settings.ts';
import { clientCertificate, installed, Mosquitto, PASSWORD, USER } from '../support/mosquitto.ts';
import { joinBroker } from '../support/mqtt.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { cleanUp, EPOCH, HOST, killChild, makeHome, onCleanUp, REALM } from './helpers.ts';

/** Of the protocol's handshake. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

afterEach(cleanUp);
afterEach(() => vi.restoreAllMocks());

async function start(options: Parameters<typeof Mosquitto.make>[1] = {}): Promise<Mosquitto> {
  const keep = <T extends ChildProcess>(child: T): T => {
    onCleanUp(() => killChild(child));
    return child;
  };
  const env = { PATH: process.env['PATH'] ?? '' };
  const broker = await Mosquitto.make({ folder: makeHome(), env, expected: [], keep }, options);
  await broker.start();
  return broker;
}

/** A hub's presence. */
const ONLINE = JSON.stringify({ online: true, epoch: EPOCH });
const credentials = { username: USER, password: PASSWORD };

function nodesAt(...urls: string[]): BrokerNodes {
  return new BrokerNodes(externalAddresses({ urls, ...credentials }));
}

/** A hub's connection that notes what it hears. */
async function hubAt(nodes: BrokerNodes) {
  const heard: string[] = [];
  const claim = async (jobId: string): Promise<void> => void heard.push(jobId);
  const common = { realm: REALM, host: HOST, session: HOST, epoch: EPOCH, handlers: { claim } };
  const bus = await connectExternal({ nodes, ...common });
  onCleanUp(() => bus.stop());
  return { bus, heard };
}

/** @returns when the hub hears a claim that is published at this node */
async function hears(hub: { heard: string[] }, { url }: Mosquitto, jobId: string): Promise<void> {
  const client = await joinBroker(url, credentials);
  onCleanUp(() => client.end(true));
  // A hub that is about to join this node has not subscribed yet.
  await until(`${jobId} is heard`, async () => {
    await client.publishAsync(claimTopic(REALM, jobId), '{"type":"progress"}', { qos: 1 });
    return hub.heard.includes(jobId);
  });
}

async function failureOf(address: UrlAddress): Promise<{ message: string; hint: string }> {
  return new BrokerNodes([address])
    .attempt((one) => openConnection(one, { clientId: 'me', clean: true }))
    .then(
      () => Promise.reject(new Error('it was let in')),
      (error: { message: string; hint: string }) => error,
    );
}

describe.runIf(installed)('a hub with the nodes of a cluster', () => {
  it('goes on to the next node when its own dies, and back', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    const hub = await hubAt(nodesAt(first.url, second.url));
    await hears(hub, first, 'at-first');
    await first.kill();
    await hears(hub, second, 'at-second');
    expect(hub.bus.problem).toBeUndefined();
    await first.start();
    await second.kill();
    await hears(hub, first, 'at-first-again');
  });

  it('takes its retained messages to the next node, and what it said meanwhile', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    const hub = await hubAt(nodesAt(first.url, second.url));
    hub.bus.publish('record', 'kept', { retain: true });
    const client = await joinBroker(second.url, credentials);
    onCleanUp(() => client.end(true));
    const seen: string[] = [];
    client.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`));
    await client.subscribeAsync(['record', 'said', statusTopic(REALM, HOST)], { qos: 1 });
    await first.kill();
    await until('the loss is noticed', () => hub.bus.clients === 0);
    hub.bus.publish('said', 'meanwhile');
    const all = ['record kept', 'said meanwhile', `${statusTopic(REALM, HOST)} ${ONLINE}`];
    await until('all is there', () => all.every((one) => seen.includes(one)));
  });

  it('begins with the next one if the first is not there', async () => {
    const second = await start();
    const nodes = nodesAt(`mqtt://127.0.0.1:${await freePort()}`, second.url);
    await hears(await hubAt(nodes), second, 'at-second');
    expect(nodes.current.url).toBe(second.url);
  });

  it('says what is wrong with each node, without a secret', async () => {
    const broker = await start();
    const nobody = `mqtt://127.0.0.1:${await freePort()}`;
    const urls = [nobody, broker.url];
    const wrong = new BrokerNodes(externalAddresses({ urls, username: USER, password: 'wr0ng-secret' }));
    const error = await hubAt(wrong).catch((reason: unknown) => reason as { message: string; hint: string });
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `The MQTT broker ${nobody} cannot be reached (ECONNREFUSED). The MQTT broker ${broker.url} refused the user name or the password.`,
      hint: expect.stringContaining('(broker_username and broker_password in MAM_HOME/config.json)'),
    });
    expect(JSON.stringify(error)).not.toContain('wr0ng');
  });
});

describe('a password', () => {
  it.each(['mqtt://far.example', 'ws://far.example'])('does not go to %s among encrypted nodes', (url) => {
    const broker: BrokerSettings = { urls: ['mqtts://near.example', url], ...credentials };
    const refusal = expect.objectContaining({ code: 'refused', message: expect.stringContaining(url) });
    expect(() => externalAddresses(broker)).toThrow(refusal);
    expect(externalAddresses({ ...broker, plain: true })).toHaveLength(2);
  });
});

describe.runIf(installed)('a connection', () => {
  /** The ports to which sockets of this process were told to send at once. */
  async function portsWithoutDelay(): Promise<number[]> {
    const { port } = await start();
    const probe = connect(port, '127.0.0.1');
    await new Promise((resolve) => probe.once('connect', resolve));
    type Handle = { setNoDelay(on: boolean): void; getpeername(into: { port?: number }): void };
    const handles = Object.getPrototypeOf((probe as Socket & { _handle: Handle })._handle) as Handle;
    probe.destroy();
    const ports: number[] = [];
    const { setNoDelay } = handles;
    vi.spyOn(handles, 'setNoDelay').mockImplementation(function (this: Handle, on) {
      const into: { port?: number } = {};
      this.getpeername(into);
      if (on && into.port !== undefined) ports.push(into.port);
      return setNoDelay.call(this, on);
    });
    return ports;
  }

  it.each(['mqtt', 'mqtts'])('over %s does not wait for more to send', async (scheme) => {
    const ports = await portsWithoutDelay();
    const broker = await start({ tls: scheme === 'mqtts' });
    const url = `${scheme}://127.0.0.1:${broker.port}`;
    const ca = scheme === 'mqtts' ? broker.certificate : undefined;
    const [address] = externalAddresses({ urls: [url], ...credentials, ca }) as [UrlAddress];
    const client = await openConnection(address, { clientId: 'me', clean: true });
    onCleanUp(() => client.end(true));
    expect(ports).toContain(broker.port);
  });

  it('over ws does not wait either', async () => {
    const ports = await portsWithoutDelay();
    const port = await freePort();
    const server = createServer().on('upgrade', ({ headers }, socket) => {
      const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEBSOCKET_GUID}`);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
      );
      // It is no broker: the first thing that arrives is enough.
      socket.once('data', () => socket.destroy());
    });
    onCleanUp(() => server.close());
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await failureOf({ kind: 'url', url: `ws://127.0.0.1:${port}` });
    expect(ports).toContain(port);
  });

  it('shows its client certificate, which is its user name', async () => {
    const acl = join(makeHome(), 'acl');
    writeFileSync(acl, `user hosta\ntopic readwrite mam/v1/${REALM}/#\n`, { mode: 0o600 });
    const broker = await start({ certified: ['hosta', 'hostb'], more: [`acl_file ${acl}`] });
    const trip = (name: string): Promise<unknown> => {
      const files = { ...broker.clients[name], ca: broker.certificate };
      const [address] = externalAddresses({ urls: [broker.url], ...files }) as [UrlAddress];
      return roundTrip(address, {
        realm: REALM,
        host: HOST,
        isPublic: true,
        signal: AbortSignal.timeout(60_000),
      });
    };
    expect(await trip('hosta')).toMatchObject({ online: [] });
    await expect(trip('hostb')).rejects.toMatchObject({
      message: expect.stringContaining('does not let this user'),
    });
  });

  it('that is refused for its client certificate says what to do', async () => {
    const broker = await start({ certified: ['hosta'] });
    const addressWith = (files: { cert?: string; key?: string }): UrlAddress =>
      externalAddresses({ urls: [broker.url], ca: broker.certificate, ...files })[0] as UrlAddress;
    const none = await failureOf(addressWith({}));
    expect(none.message).toContain('refused the TLS connection');
    expect(none.hint).toBe(
      'If it requires a client certificate: set MAM_BROKER_CERT and MAM_BROKER_KEY (broker_cert and broker_key in MAM_HOME/config.json) to its PEM files.',
    );
    const folder = makeHome();
    const stranger = await failureOf(addressWith(clientCertificate(folder, 'hosta')));
    expect(stranger.hint).toContain('It does not accept the client certificate');
    const [cert, key] = [broker.clients['hosta']?.cert ?? '', join(folder, 'hosta-key.pem')];
    const foreignKey = await failureOf(addressWith({ cert, key }));
    expect(foreignKey.message).toContain('a certificate file cannot be used');
    expect(foreignKey.hint).toContain('the key that of the certificate');
    writeFileSync(key, 'no PEM');
    expect((await failureOf(addressWith({ cert, key }))).message).toContain(
      'a certificate file cannot be used',
    );
    const missing = join(folder, 'missing.pem');
    expect(() => addressWith({ cert: missing, key })).toThrow(
      expect.objectContaining({ code: 'bad_input', hint: expect.stringContaining('MAM_BROKER_CERT') }),
    );
  });
});
