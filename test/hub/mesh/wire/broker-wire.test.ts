import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { BrokerWire } from '../../../../src/hub/mesh/wire/broker-wire.ts';
import { smallBroker } from '../../../support/hosts/small-broker.ts';

const EPOCH = '2026-11-30T12:00:00.000Z';
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test('a hub that ends while it joins stays off', async () => {
  const { aedes, url, end } = await smallBroker();
  ends.push(end);
  const ups: unknown[] = [];
  const wire = new BrokerWire({
    ...{ broker: { urls: [url] }, realm: 'test', host: 'hosta', epoch: EPOCH },
    status: () => ({ online: true, epoch: EPOCH }),
    hello: () => ({ v: 1, epoch: EPOCH, now: new Date().toISOString(), protocol: 1 }),
    isBusy: () => true,
    peers: () => 1,
    handlers: {
      ...{ message: () => {}, down: () => {}, status: () => {}, gone: () => {} },
      up: (up) => ups.push(up),
    },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  ends.push(() => wire.stop());
  const asked = new Promise<() => void>((resolve) => {
    aedes.authenticate = (_client, _user, _password, done) => resolve(() => done(null, true));
  });
  wire.start();
  const letIn = await asked;
  await wire.stop();
  const left = Promise.race([
    once(aedes, 'clientDisconnect').then(() => 'left'),
    once(aedes, 'subscribe').then(() => 'joined'),
  ]);
  letIn();
  expect(await left).toBe('left');
  expect(ups).toEqual([]);
});
