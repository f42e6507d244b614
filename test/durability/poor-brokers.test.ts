import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { describe, expect, test } from 'vitest';
import { roundTrip } from '../../src/link/round-trip.ts';
import { sharing } from '../support/lab-test.ts';
import { installed, Mosquitto, USER } from '../support/mosquitto.ts';
import { until } from '../support/until.ts';

const trip = () => ({
  ...{ realm: 'default', host: 'here', isPublic: true },
  signal: AbortSignal.timeout(8_000),
});
const look = (port: number, url = `mqtt://127.0.0.1:${port}`) =>
  roundTrip({ kind: 'url', url }, trip()).then(
    () => 'all is well',
    (error: { text?: string }) => error.text ?? String(error),
  );

/** What a broker does not support, and the message about it. */
const POOR: [what: string, more: string[], says: string, advice: string][] = [
  ['keeps nothing', ['retain_available false'], 'keeps no retained messages', 'retain_available true'],
  ['supports only QoS 0', ['max_qos 0'], 'accepts messages at QoS 0 only', 'max_qos 1'],
  [
    'accepts only small packets',
    ['max_packet_size 1000'],
    'accepts packets of at most 1000 bytes',
    'max_packet_size',
  ],
  [
    'drops long messages',
    ['message_size_limit 1000'],
    'does not pass on a message of 65536 bytes',
    'message_size_limit',
  ],
  [
    'does not let its user write',
    ['acl_file ACL'],
    'does not let this user write mam/v1/default/clients/hub-here/replies ("Not authorized")',
    'topic readwrite mam/v1/default/#',
  ],
];

describe.runIf(installed)('a broker that', () => {
  sharing.for(POOR)('%s is not joined, and says why in seconds', async ([, more, says, advice], { lab }) => {
    const rules = lab.write('acl', `user ${USER}\ntopic read mam/v1/default/#\n`);
    const lines = more.map((line) => line.replace('ACL', rules));
    const broker = await Mosquitto.make(lab, { anonymous: !more[0]?.startsWith('acl'), more: lines });
    await broker.start();
    const { username, password } = { username: USER, password: broker.env['MAM_BROKER_PASSWORD'] };
    const address = { kind: 'url' as const, url: broker.url, username, password };
    const error = await roundTrip(address, trip()).catch((one) => one);
    expect(error.message).toContain(says);
    expect(error.hint).toContain(advice);
    await broker.kill();
  });
});

describe.runIf(installed)('a hub on a limited broker', () => {
  sharing('says so in its status, its log and to the doctor, and joins when it is fixed', async ({ lab }) => {
    const poor = await Mosquitto.make(lab, { more: ['retain_available false'] });
    await poor.start();
    const env = { ...poor.env };
    const status = async () => JSON.parse((await lab.start(['hub', '--json'], { env }).ended).stdout);
    await lab.start(['wait'], { env }).ended;
    await until('it says why', async () =>
      /keeps no retained messages/.test((await status()).broker_problem ?? ''),
    );
    expect(lab.hubLog()).toContain('the broker was not joined: The MQTT broker');
    const { stdout } = await lab.start(['doctor', '--json'], { env }).ended;
    expect(stdout).toContain('keeps no retained messages');
    await poor.kill();
    const good = poor.with([]);
    await good.start();
    await until('it is joined', async () => (await status()).broker_problem === undefined);
    await good.kill();
    // A lost broker is reported, too.
    await until('it is lost', async () => (await status()).broker_problem !== undefined);
    expect((await status()).broker_problem).toMatch(/connection was lost|ECONNREFUSED/);
    await lab.start(['hub', 'stop'], { env }).ended;
  });
});

describe('a broker that shows no retained message to a wildcard', () => {
  test('still shows whether the hub is online, without other hubs', async () => {
    const aedes = await Aedes.createBroker();
    aedes.authorizeSubscribe = (_, wanted, done) => done(null, wanted.topic.includes('/+/') ? null : wanted);
    const server = createServer(aedes.handle);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const { port } = server.address() as AddressInfo;
      const status = { topic: 'mam/v1/default/hosts/here/status', payload: '{"online":true}' };
      const packet = { ...status, cmd: 'publish' as const, qos: 1 as const, dup: false, retain: true };
      await new Promise<void>((done) => aedes.publish(packet, () => done()));
      const address = { kind: 'url' as const, url: `mqtt://127.0.0.1:${port}` };
      for (const isPublic of [true, false])
        expect(await roundTrip(address, { ...trip(), isPublic, others: true })).toMatchObject({
          online: ['here'],
        });
    } finally {
      server.close();
      aedes.close();
    }
  });
});

describe.runIf(installed)('a broker that hubs share', () => {
  sharing('is tested with what its rules let a hub do', async ({ lab }) => {
    const topics = 'mam/v1/default/hosts';
    const acl = lab.write(
      'mesh-acl',
      [
        `pattern write ${topics}/+/in/%u/#`,
        `pattern read ${topics}/%u/in/#`,
        `pattern readwrite ${topics}/%u/status`,
        '',
      ].join('\n'),
    );
    const broker = await Mosquitto.make(lab, { more: [`acl_file ${acl}`] });
    await broker.start();
    const { MAM_BROKER_PASSWORD: password } = broker.env;
    const address = { kind: 'url' as const, url: broker.url, username: USER, password };
    const look = (host: string, isPublic: boolean) =>
      roundTrip(address, { ...trip(), host, isPublic }).catch((error: { text?: string }) => error.text);
    expect(await look(USER, false)).toMatchObject({ online: [] });
    expect(await look(USER, true)).toContain('does not let this user');
    // The broker knows this user by another name than the hub has.
    expect(await look('hostb', false)).toContain('`mam hosts acl`');
    await broker.kill();
  });
});

describe('what is not a broker', () => {
  const serving = async (server: Server, body: (port: number) => Promise<void>): Promise<void> => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      await body((server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  };

  test.each(['refuses', 'closes on', 'keeps silent about'])(
    'one that %s MQTT 5 but knows the older protocol is still a broker',
    async (how) => {
      const aedes = await Aedes.createBroker();
      const server = createServer((socket) => {
        socket.once('data', (connect) => {
          // The protocol level follows the protocol name.
          if (how === 'refuses' || connect[8] === 4) {
            socket.unshift(connect);
            aedes.handle(socket);
          } else if (how === 'closes on') socket.destroy();
        });
      });
      await serving(server, async (port) => expect(await look(port)).toBe('all is well'));
      aedes.close();
    },
  );

  test('one that closes every connection is named, with what may be wrong', async () => {
    await serving(
      createServer((socket) => socket.destroy()),
      async (port) => {
        expect(await look(port)).toMatch(
          /cannot be reached .*for a port with TLS the URL starts with mqtts:/,
        );
        expect(await look(port, `mqtts://127.0.0.1:${port}`)).toMatch(
          /without TLS the URL starts with mqtt:/,
        );
        expect(await look(port, `ws://127.0.0.1:${port}`)).toMatch(/without WebSockets with mqtt:/);
      },
    );
  });

  test('a web server is named', async () => {
    const server = createHttp((_, response) => response.writeHead(404).end());
    await serving(server, async (port) => {
      expect(await look(port)).toMatch(/its answer is not MQTT|another protocol/);
      expect(await look(port, `ws://127.0.0.1:${port}/mqtt`)).toMatch(/it answers HTTP 404|another protocol/);
    });
  });

  test('one that does not speak TLS is not called an untrusted certificate', async () => {
    const server = createServer((socket) => socket.end('220 ready\r\n'));
    await serving(server, async (port) => {
      const said = await look(port, `mqtts://127.0.0.1:${port}`);
      expect(said).toContain('does not speak TLS on this port');
      expect(said).not.toContain('certificate');
    });
  });

  test('one that refuses with its own reason has that passed on', async () => {
    const refuse = Buffer.from([0x20, 0x02, 0x00, 0x03]);
    const server = createServer((socket) => socket.once('data', () => socket.end(refuse)));
    await serving(server, async (port) =>
      expect(await look(port)).toContain('refused: Server unavailable, code 3'),
    );
  });
});
