import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { inboxTopic } from '../../../../src/bus/topics.ts';
import { SshWire } from '../../../../src/hub/mesh/wire/ssh-wire.ts';
import { smallBroker } from '../../../support/hosts/small-broker.ts';
import { until } from '../../../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllEnvs();
});

/** Puts an `ssh` on the PATH that leads to a port. When its connection has ended it reads no more, and lives for 3 s. */
function slowSsh(port: number): { begun(): number } {
  const folder = mkdtempSync(join(tmpdir(), 'mam-ssh-'));
  ends.push(async () => rmSync(folder, { recursive: true, force: true }));
  const calls = join(folder, 'calls');
  const file = join(folder, 'ssh');
  writeFileSync(
    file,
    `#!${process.execPath}
require('node:fs').appendFileSync(${JSON.stringify(calls)}, '.');
const socket = require('node:net').connect(${port}, '127.0.0.1');
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('close', () => {
  process.stdin.destroy();
  require('node:fs').closeSync(0);
  setTimeout(() => process.exit(255), 3000);
});
`,
  );
  chmodSync(file, 0o700);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  return { begun: () => readFileSync(calls, 'utf8').length };
}

/** A way to the host at a broker, and what becomes of it. */
function wireTo(): { wire: SshWire; news: string[]; taken: number[] } {
  const [news, taken]: [string[], number[]] = [[], []];
  const wire = new SshWire({
    ...{ name: 'hostb', ssh: 'me@hostb', realm: 'test', host: 'hosta' },
    handlers: {
      ...{ status: () => {}, gone: () => {} },
      message: ({ payload }) => taken.push(payload.length),
      up: () => news.push('up'),
      down: () => news.push('down'),
    },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  ends.push(() => wire.stop());
  return { wire, news, taken };
}

test('a host that is needed right after a loss is connected with once', async () => {
  const { aedes, port, end } = await smallBroker();
  ends.push(end);
  const ssh = slowSsh(port);
  const { wire, news } = wireTo();
  const came = once(aedes, 'clientReady');
  wire.start();
  const [client] = (await came) as [{ conn: { destroy(): void } }];
  await until('it is connected', () => wire.isUp);
  client.conn.destroy();
  await until('the loss is noticed', () => !wire.isUp);
  // As for a request, while it is still being found out why ssh ends.
  wire.start();
  await until('it is connected again', () => news.filter((one) => one === 'up').length === 2);
  await until('the loss is told', () => news.includes('down'));
  const again = vi.waitUntil(() => ssh.begun() > 2 || news.filter((one) => one === 'down').length > 1, 1_500);
  expect(await again.catch(() => 'nothing')).toBe('nothing');
  expect(wire.isUp).toBe(true);
});

test('a message that no hub sends is not kept in memory: the connection ends', async () => {
  const { aedes, port, end } = await smallBroker();
  ends.push(end);
  slowSsh(port);
  const { wire, news, taken } = wireTo();
  const publish = (bytes: number): void => {
    const payload = Buffer.alloc(bytes, 'x');
    const topic = inboxTopic('test', 'hosta', 'hostb', 'feed', 'roof');
    aedes.publish({ cmd: 'publish', dup: false, qos: 0, retain: false, topic, payload }, () => {});
  };
  wire.start();
  await until('it is connected', () => wire.isUp);
  publish(60_000);
  await until('it is taken', () => taken.length > 0);
  expect(news).toEqual(['up']);
  publish(1_000_000);
  await until('it ends', () => news.includes('down'));
  expect(taken).toEqual([60_000]);
});
