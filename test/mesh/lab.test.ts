import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker, NO_MOSQUITTO } from '../support/hosts/mosquitto.ts';
import { NO_NAMESPACES } from '../support/hosts/namespaces.ts';
import { RawClient, recorder } from '../support/hosts/raw-client.ts';
import { freePort } from '../support/ports.ts';
import { isRunning } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';

let world: Hosts;
afterEach(() => world.end());

/** Says each line that it hears back. */
const ECHO = `require('net').createServer((s) => s.on('error', () => {}).pipe(s)).listen(+process.argv[2], process.argv[1])`;
/** Says a line each 20 ms, and prints what comes back; ends with the connection. */
const ASK = `const s = require('net').connect(+process.argv[2], process.argv[1]); let n = 0;
s.on('close', () => { console.log('closed'); process.exit(); }).on('error', () => {}).pipe(process.stdout);
setInterval(() => s.write(++n + '\\n'), 20);`;

describe.each(['namespaces', 'loopback'] as const)('hosts over %s', (over) => {
  test('a cut loses what is sent and tells nobody; once it is mended, all comes through', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    world = await hosts(['hosta', 'hostb'], { over });
    const port = await freePort();
    world.start('hostb', [process.execPath, '-e', ECHO, world.net.address('hostb'), `${port}`]);
    const { address, port: reached } = await world.reach('hosta', 'hostb', port);
    const asked = () => world.start('hosta', [process.execPath, '-e', ASK, address, `${reached}`]);
    let heard = '';
    await until('the echo answers', async () => {
      const child = asked();
      child.stdout?.on('data', (text) => {
        heard += text;
      });
      await new Promise((done) => child.stdout?.once('data', done));
      if (heard !== 'closed\n') return true;
      heard = '';
      return false;
    });
    await until('it goes on', () => heard.includes('5\n'));
    for (const host of ['hostb', 'hosta']) {
      await world.cut(host);
      // What was under way may still arrive.
      await pause(100);
      const before = heard;
      await pause(400);
      expect(heard).toBe(before);
      await world.mend(host);
      await until('it goes on', () => heard.length > before.length + 20);
    }
    const numbers = heard.trim().split('\n').map(Number);
    expect(numbers.slice(0, -1)).toEqual(numbers.slice(0, -1).map((_, index) => index + 1));
  });

  test('each host has its own hub, agents, command line and server', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    world = await hosts(['hosta', 'hostb'], { over });
    const links = await Promise.all(
      world.names.map(async (name) => {
        const lab = world.lab(name);
        const peer = await lab.startPeer('good');
        const server = await lab.startServer();
        const job = await server.delegate(peer);
        const waited = await server.ask('wait_job', { job_id: job.job_id, timeout_seconds: 40 });
        expect(waited.jobs).toMatchObject([{ job_id: job.job_id, status: 'completed' }]);
        expect((await lab.json('list', '--all')).jobs).toMatchObject([{ job_id: job.job_id }]);
        const places = await Promise.all(
          [await lab.hubPid(), peer.pid, server.child.pid].map((pid) =>
            lab.run('readlink', [`/proc/${pid}/ns/net`]),
          ),
        );
        const found = new Set(places.map(({ stdout }) => stdout));
        expect(found.size).toBe(1);
        return [...found].join();
      }),
    );
    expect(new Set(links).size).toBe(over === 'namespaces' ? 2 : 1);
  });

  test('a process that is left is told, and ended', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    world = await hosts(['hosta'], { over });
    const lab = world.lab('hosta');
    const { stdout } = await lab.run('sh', ['-c', 'sleep 100 >/dev/null 2>&1 & echo $!']);
    const pid = stdout.trim();
    await expect(lab.end(false, 50)).rejects.toThrow(`process ${pid} is left: sleep 100`);
    await until('it has ended', () => !isRunning(Number(pid)));
    // The evidence, which stays after a failure.
    rmSync(lab.folder, { recursive: true });
  });

  test('Mosquitto over TLS knows hosts by certificate, and lets each only speak for itself', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    context.skip(NO_MOSQUITTO !== undefined, NO_MOSQUITTO);
    world = await hosts(['hosta', 'hostb'], { over });
    const broker = await MosquittoBroker.make(world, { tls: 'certificate' });
    await broker.start();
    const home = await recorder(broker, 'hostb', 'mam/v1/default/hosts/hostb/in/#');
    const other = await RawClient.join(broker, 'hosta');
    await other.say('mam/v1/default/hosts/hostb/in/hostc/ask', 'forged');
    await other.say('mam/v1/default/hosts/hostb/in/hosta/ask', 'true');
    await until('it comes', () => home.seen.length > 0);
    expect(home.seen).toEqual([
      { topic: 'mam/v1/default/hosts/hostb/in/hosta/ask', text: 'true', retain: false },
    ]);
    await expect(RawClient.join(broker)).rejects.toThrow();
    // A real client of another network, with nothing but the settings of its host.
    const env = await broker.env('hosta');
    const { hostname, port } = new URL(env['MAM_BROKER_URL'] ?? '');
    const known = [
      '--cafile',
      broker.ca,
      '--cert',
      env['MAM_BROKER_CERT'] ?? '',
      '--key',
      env['MAM_BROKER_KEY'] ?? '',
    ];
    const what = ['-q', '1', '-t', 'mam/v1/default/hosts/hostb/in/hosta/hello', '-m', 'from its host'];
    const said = await world
      .lab('hosta')
      .run('mosquitto_pub', ['-h', hostname, '-p', port, ...known, ...what]);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    await until('it comes too', () => home.on('/hosta/hello').includes('from its host'));
  });

  test('Mosquitto with passwords is empty after a restart; an open one takes anybody', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    context.skip(NO_MOSQUITTO !== undefined, NO_MOSQUITTO);
    world = await hosts(['hosta'], { over });
    const [broker, open] = await Promise.all([
      MosquittoBroker.make(world, { tls: true }),
      MosquittoBroker.make(world, { open: true }),
    ]);
    await Promise.all([broker.start(), open.start()]);
    const status = 'mam/v1/default/hosts/hosta/status';
    const first = await RawClient.join(broker, 'hosta');
    await first.say(status, 'here', { retain: true });
    expect((await retained(broker, status)).length).toBe(1);
    await broker.restart();
    await until('it is thrown out', () => !first.isConnected);
    expect((await retained(broker, status)).length).toBe(0);
    await expect(RawClient.join(broker, 'hosta', { password: 'wrong' })).rejects.toThrow();
    const anybody = await RawClient.join(open);
    open.freeze();
    let isAcknowledged = false;
    const said = anybody.say(status, 'anything').then(() => {
      isAcknowledged = true;
    });
    await pause(200);
    expect(isAcknowledged).toBe(false);
    open.thaw();
    await said;
    expect(anybody.isConnected).toBe(true);
  });
});

/** What a newcomer hears at once: it also hears itself, afterwards. */
async function retained(broker: MosquittoBroker, topic: string): Promise<string[]> {
  const client = await recorder(broker, 'hosta', topic);
  await client.say(topic, 'end');
  await until('it hears itself', () => client.on('').includes('end'));
  return client.seen.filter(({ retain }) => retain).map(({ text }) => text);
}

test('nothing of the namespaces is seen from outside', async (context) => {
  context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
  const before = readdirSync('/sys/class/net');
  world = await hosts(['hosta', 'hostb'], { over: 'namespaces' });
  expect(readdirSync('/sys/class/net')).toEqual(before);
  expect(existsSync(join('/run/netns', 'hosta'))).toBe(false);
});
