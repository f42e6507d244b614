import type { ChildProcess } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, it } from 'vitest';
import { checkEncrypted, redactUrl } from '../../src/bus/address.ts';
import { connectExternal, type ExternalOptions } from '../../src/bus/broker/external.ts';
import { BrokerNodes } from '../../src/bus/broker-nodes.ts';
import { claimTopic, logTopic, statusTopic } from '../../src/bus/topics.ts';
import type { Link } from '../../src/link/link.ts';
import { publishOnce } from '../../src/link/one-shot.ts';
import { installed, Mosquitto, PASSWORD, USER } from '../support/mosquitto.ts';
import { joinBroker } from '../support/mqtt.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import {
  cleanUp,
  EPOCH,
  type FakeHub,
  fakeHandlers,
  gate,
  HOST,
  killChild,
  makeClaim,
  makeHome,
  makeLink,
  newFakeHub,
  onCleanUp,
  REALM,
} from './helpers.ts';

afterEach(cleanUp);

/** A broker that ends with the test, and a home for those who use it. */
async function startMosquitto() {
  const home = makeHome();
  const keep = <T extends ChildProcess>(child: T): T => {
    onCleanUp(() => killChild(child));
    return child;
  };
  const env = { PATH: process.env['PATH'] ?? '' };
  const broker = await Mosquitto.make({ folder: home, env, expected: [], keep });
  await broker.start();
  return Object.assign(broker, { home });
}
type Broker = Awaited<ReturnType<typeof startMosquitto>>;

/** A proxy to a broker that can swallow all traffic, like a broken network. */
async function startLine(to: number) {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let swallowed = '';
  const server = createServer((client) => {
    const broker = connect(to, '127.0.0.1');
    for (const [from, into] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => {
        if (isFrozen) swallowed += data.toString('latin1');
        else into.write(data);
      });
      from.on('error', () => {});
      from.on('close', () => into.destroy());
    }
  });
  const cut = (): void => {
    isFrozen = false;
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  onCleanUp(() => server.close());
  onCleanUp(cut);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const freeze = (): void => {
    isFrozen = true;
  };
  return {
    port,
    freeze,
    cut,
    took: (words: string) => until('it is taken', () => swallowed.includes(words)),
  };
}

const credentials = { username: USER, password: PASSWORD };

const common = (hub = newFakeHub()) => ({
  ...{ realm: REALM, host: HOST, session: HOST, epoch: EPOCH, handlers: fakeHandlers(hub) },
});

async function startHub(
  { url }: Pick<Broker, 'url'>,
  handlers: Partial<ExternalOptions['handlers']> = {},
): Promise<FakeHub> {
  const hub = newFakeHub();
  const options = common(hub);
  Object.assign(options.handlers, handlers);
  hub.bus = await connectExternal({ nodes: nodesOf(url, credentials), ...options });
  onCleanUp(() => hub.stop());
  return hub;
}

function nodesOf(url: string, more: { username?: string; password?: string } = {}): BrokerNodes {
  return new BrokerNodes([{ kind: 'url', url, ...more }]);
}

function linkTo({ home, url }: Broker): Link {
  return makeLink(home, { address: { kind: 'url', url, ...credentials } });
}

/** One claim of another program. */
async function say(broker: Broker, detail: string): Promise<void> {
  const client = await joinBroker(broker.url, credentials);
  await client.publishAsync(claimTopic(REALM, 'a'), JSON.stringify(makeClaim('a', detail)), { qos: 1 });
}

describe.skipIf(!installed)('an external broker', () => {
  it('carries claims and the log, and accepts no request', async () => {
    const broker = await startMosquitto();
    const hub = await startHub(broker);
    const link = linkTo(broker);
    const heard: string[] = [];
    link.follow('a', HOST, ({ event }) => heard.push(String(event.detail)));
    await new Promise<void>((resolve) => link.onConnect(resolve));
    const refused = link.request('status', {} as never, 500).catch((error: unknown) => error);
    const outcomes = await Promise.all([1, 2, 3].map((n) => link.claim(makeClaim('a', String(n)))));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['answered', 'answered', 'answered']);
    await until('heard', () => heard.length === 3);
    expect(heard).toEqual(['1', '2', '3']);
    expect(hub.journal.map((claim) => claim.detail)).toEqual(['1', '2', '3']);
    const address = { kind: 'url', url: broker.url, ...credentials } as const;
    const reply = await publishOnce({ address, realm: REALM, timeoutMs: 3000, claim: makeClaim('a', '4') });
    expect(reply?.recorded).toBe(true);
    expect(await refused).toMatchObject({ code: 'unavailable' });
    expect(hub.requests).toEqual([]);
  });

  it('passes on many claims before the first is settled, and acknowledges each when it is', async () => {
    const broker = await startMosquitto();
    const { opened, open } = gate();
    const arrived: string[] = [];
    const claim = async (_job: string, payload: Buffer): Promise<void> => {
      arrived.push(JSON.parse(payload.toString()).detail);
      await opened;
    };
    const first = await startHub(broker, { claim });
    const link = linkTo(broker);
    const outcomes = Array.from({ length: 10 }, (_, n) => link.claim(makeClaim('a', String(n))));
    await until('all arrived', () => arrived.length === 10);
    // None was acknowledged: on the next connection of the hub's session all are redelivered.
    await first.stop();
    const hub = await startHub(broker);
    await until('all came again', () => hub.journal.length === 10);
    expect(hub.journal.map((entry) => entry.detail)).toEqual(arrived);
    // What has arrived is not acknowledged yet; what came before something that was taken since is.
    await say(broker, 'behind them');
    await until('it is taken', () => hub.journal.some(({ detail }) => detail === 'behind them'));
    await hub.stop();
    const third = await startHub(broker);
    await say(broker, 'after them');
    await until('it arrived', () => third.arrived.some(({ detail }) => detail === 'after them'));
    const others = third.arrived.filter(({ detail }) => detail !== 'behind them');
    expect(others.map(({ detail }) => detail)).toEqual(['after them']);
    open();
    await Promise.all(outcomes);
  });

  it('retries what a handler could not store, without disconnecting', async () => {
    const broker = await startMosquitto();
    let refusals = 1;
    const hub = newFakeHub();
    const keep = fakeHandlers(hub).claim;
    const claim = (jobId: string, payload: Buffer): Promise<void> =>
      refusals-- > 0 ? Promise.reject(new Error('disk')) : keep(jobId, payload);
    const external = await startHub(broker, { claim });
    hub.bus = external.bus;
    const link = linkTo(broker);
    expect(await link.claim(makeClaim('a'))).toMatchObject({ kind: 'answered' });
  });

  it('reports a wrong password immediately and without showing it', async () => {
    const broker = await startMosquitto();
    const url = `mqtt://me:wrongsecret@127.0.0.1:${broker.port}`;
    const refusal = { code: 'unreachable', message: expect.stringContaining('refused the user name') };
    await expect(connectExternal({ nodes: nodesOf(url), ...common() })).rejects.toMatchObject(refusal);
    const link = makeLink(broker.home, { address: { kind: 'url', url } });
    const error: unknown = await link.request('status', {} as never).catch((reason: unknown) => reason);
    expect(error).toMatchObject(refusal);
    expect(JSON.stringify([String(error), (error as { hint: string }).hint])).not.toContain('wrongsecret');
  });

  it('reports that nobody is there, and that TLS failed', async () => {
    const refusal = { code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') };
    const nobody = connectExternal({ nodes: nodesOf(`mqtt://127.0.0.1:${await freePort()}`), ...common() });
    await expect(nobody).rejects.toMatchObject(refusal);
    const { port } = await startMosquitto();
    const plain = connectExternal({ nodes: nodesOf(`mqtts://127.0.0.1:${port}`), ...common() });
    await expect(plain).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('reports with the last will that a hub is gone, and when it is back', async () => {
    const broker = await startMosquitto();
    const hub = await startHub(broker);
    hub.bus.publish(statusTopic(REALM, HOST), '{"online":true}', { retain: true });
    const observer = await joinBroker(broker.url, credentials);
    const heard: string[] = [];
    observer.on('message', (_topic, payload) => heard.push(payload.toString()));
    await observer.subscribeAsync(statusTopic(REALM, HOST), { qos: 1 });
    await until('it is online', () => heard.length === 1);
    // The same client id: the broker throws the hub out.
    const rival = await joinBroker(broker.url, { ...credentials, clientId: `mam-hub-${HOST}` });
    await until('it is back', () => heard.length === 3);
    rival.end(true);
    expect(heard).toEqual(['{"online":true}', `{"online":false,"epoch":"${EPOCH}"}`, '{"online":true}']);
  });

  it('redelivers what was in flight when the connection was lost', async () => {
    const broker = await startMosquitto();
    const line = await startLine(broker.port);
    const hub = await startHub({ url: `mqtt://127.0.0.1:${line.port}` });
    const topic = logTopic(REALM, HOST, 'a');
    const observer = await joinBroker(broker.url, credentials);
    const heard: string[] = [];
    observer.on('message', (_topic, payload) => heard.push(payload.toString()));
    await observer.subscribeAsync(topic, { qos: 1 });
    hub.bus.publish(topic, 'before');
    await until('it is heard', () => heard.length === 1);
    line.freeze();
    for (const words of ['first', 'second']) hub.bus.publish(topic, words);
    await line.took('second');
    line.cut();
    await until('they are heard', () => heard.includes('second'));
    hub.bus.publish(topic, 'after');
    await until('it is heard', () => heard.includes('after'));
    // The acknowledgement of the first may have been in flight: then it arrives twice.
    expect([...new Set(heard)]).toEqual(['before', 'first', 'second', 'after']);
  });

  it('may be killed and restarted: everyone reconnects', async () => {
    const broker = await startMosquitto();
    const hub = await startHub(broker);
    const link = linkTo(broker);
    let connects = 0;
    link.onConnect(() => connects++);
    link.follow('a', HOST, () => {});
    expect(await link.claim(makeClaim('a', '1'))).toMatchObject({ kind: 'answered' });
    await broker.kill();
    await until('the hub noticed', () => hub.bus.clients === 0);
    const during = link.claim(makeClaim('a', '2'));
    await broker.start();
    // A client that came back before the hub is notified of the hub.
    await until('both are back', () => connects >= 2 && hub.bus.clients === 1);
    await during;
    await say(broker, '3');
    await until('it arrived', () => hub.journal.some(({ detail }) => detail === '3'));
  });
});

describe('what a broker does not accept', () => {
  /** Far more than a hub may hold in its memory for a broker. */
  const COUNT = 1_000;
  const PAYLOAD = 'x'.repeat(60_000);

  it.each(['is slow', 'is away'])('is queued up to a limit while it %s', async (state) => {
    const port = await freePort();
    const held: (() => void)[] = [];
    let isHolding = state === 'is slow';
    let taken = 0;
    const aedes = new Aedes({
      authorizePublish: (_client, { topic, payload }, callback) => {
        if (topic === 'log') taken += payload.length;
        if (isHolding && topic === 'log') held.push(() => callback(null));
        else callback(null);
      },
    });
    await aedes.listen();
    const sockets = new Set<Socket>();
    const listen = async () => {
      const server = createServer((socket) => {
        sockets.add(socket);
        aedes.handle(socket);
      });
      await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
      return server;
    };
    const close = (server: Server) => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    let server = await listen();
    onCleanUp(() => close(server));
    const hub = await startHub({ url: `mqtt://127.0.0.1:${port}` });
    if (state === 'is away') {
      close(server);
      await until('it is lost', () => hub.bus.clients === 0);
    }
    for (let at = 0; at < COUNT; at++) hub.bus.publish('log', PAYLOAD);
    hub.bus.publish('kept', PAYLOAD, { retain: true });
    if (state === 'is away') server = await listen();
    await until('some is taken', () => taken > 0);
    isHolding = false;
    for (let before = -1; before !== taken; await pause(300)) {
      before = taken;
      for (const release of held.splice(0)) release();
    }
    expect(taken).toBeGreaterThan(10 * 1024 * 1024);
    expect(taken).toBeLessThanOrEqual(16 * 1024 * 1024);
    const [before, more] = [taken, 'one more'];
    hub.bus.publish('log', more);
    await until('it is taken again', () => taken === before + more.length);
  });
});

describe('checkEncrypted', () => {
  it.each([
    'mqtts://far.example',
    'wss://far.example/mqtt',
    'mqtt://127.0.0.1',
    'mqtt://127.9.0.1:1',
    'ws://localhost:9',
    'mqtt://[::1]:1883',
  ])('lets %s pass', (url) => expect(() => checkEncrypted({ urls: ['mqtts://x', url] })).not.toThrow());
  it.each([
    'mqtt://far.example',
    'ws://far.example',
    'mqtt://10.0.0.1',
    'mqtt://0.0.0.0',
    'mqtt://127.0.0.1.far.example',
    'mqtt://localhost.far.example',
    'mqtt://127.0.0.1@far.example',
    'mqtt://[::]',
    'mqtt://[fe80::1]',
  ])('refuses %s', (url) =>
    expect(() => checkEncrypted({ urls: ['mqtts://x', url] })).toThrow(/not encrypted/),
  );
});

describe('redactUrl', () => {
  it('contains what distinguishes brokers, and no secret', () => {
    expect(redactUrl('mqtts://me:secret@host:8883/path?token=x#y')).toBe('mqtts://host:8883/path');
    expect(redactUrl('no url: secret')).toBe('(invalid URL)');
  });
});
