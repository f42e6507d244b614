import { afterEach, expect, test } from 'vitest';
import type { HostRow } from '../../src/operations/hosts.ts';
import { ask } from '../support/hosts/ask.ts';
import { fakeSsh, overSsh } from '../support/hosts/fake-ssh.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test('mam hub connect starts the hub, and is an MQTT connection to it', async () => {
  world = await hosts(['hostb']);
  const lab = world.lab('hostb');
  const connect = lab.start(['hub', 'connect']);
  const connack = new Promise<string>((done) => connect.child.stdout.once('data', done));
  // CONNECT with a clean session, as the client "x".
  connect.child.stdin.write(Buffer.from([0x10, 13, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60, 0, 1, 0x78]));
  expect(Buffer.from(await connack)).toEqual(Buffer.from([0x20, 2, 0, 0]));
  expect(lab.hubs).toHaveLength(1);
  connect.child.stdin.end();
  expect(await connect.ended).toMatchObject({ code: 0, stderr: '' });
});

test('mam hub connect ends when the hub ends', async () => {
  world = await hosts(['hostb']);
  const lab = world.lab('hostb');
  const connect = lab.start(['hub', 'connect']);
  await lab.hubPid();
  await lab.mam('hub', 'stop');
  expect(await connect.ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('mam hub connect says on stderr why no hub can be started', async () => {
  world = await hosts(['hostb']);
  const lab = world.lab('hostb');
  const { code, stdout, stderr } = await lab.start(['hub', 'connect'], { env: { MAM_HOME: '/dev/null' } })
    .ended;
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
  expect(stderr).toContain('/dev/null');
});

/** The row of hostb after hosta has said hello to it. */
async function check(): Promise<HostRow> {
  const { rows } = await ask(world.lab('hosta'), 'hosts', { all: false, check: 'hostb' });
  return rows[0] as HostRow;
}

test('a hub reaches another one over ssh, which starts it, and both know each other', async () => {
  world = await overSsh();
  const row = await check();
  expect(row).toMatchObject({ host: 'hostb', state: 'online', via: 'ssh', named: true });
  expect(row.may_we).toMatchObject({ delegate: true, see: 'all' });
  expect(Math.abs(row.clock_ms ?? 99)).toBeLessThan(50);
  const { rows } = await ask(world.lab('hostb'), 'hosts', { all: false });
  expect(rows).toMatchObject([{ host: 'hosta', state: 'online', via: 'socket', named: false }]);
});

test('an ssh that is killed is noticed at once, and connects again while it is needed', async () => {
  world = await overSsh();
  await check();
  const lab = world.lab('hosta');
  const connects = () =>
    world.lab('hostb').processes.filter(({ command }) => /node \S+ hub connect$/.test(command));
  await until('one is connected', () => connects().length === 1);
  const [first] = connects();
  signal(first?.pid ?? 0, 'SIGKILL');
  await until('it is connected again', () => connects().length === 1 && connects()[0]?.pid !== first?.pid);
  await until('they have met again', async () => (await lab.json('hosts')).rows[0].state === 'online');
  await lab.mam('hub', 'stop');
  await until('nothing is left of ssh', () => connects().length === 0);
});

test.each([
  ['denied', /ssh me@hostb\.lan failed: Permission denied \(publickey\)\./],
  ['no mam', /mam was not found on hostb: .*not found\. Put it on the PATH .*hosts\.hostb\.mam/],
  ['old mam', /mam on hostb is too old for other hosts: .*Update it there, or set hosts\.hostb\.mam/],
  ['noise', /prints text before mam runs \("Welcome to hostb"\)/],
])('why there is no connection is said in words: %s', async (fault, why) => {
  world = await overSsh();
  const lab = world.lab('hosta');
  if (fault === 'no mam') fakeSsh(world, 'hosta', 'hostb', '/usr/bin:/bin');
  else if (fault === 'old mam') {
    const { bin } = world.lab('hostb');
    world.lab('hostb').install('mam', `echo "mam: ACTION can't be \\"connect\\"." >&2; exit 64`);
    fakeSsh(world, 'hosta', 'hostb', `${bin}:/usr/bin:/bin`);
  } else if (fault === 'noise') lab.install('ssh', 'echo Welcome to hostb; exec cat');
  else lab.install('ssh', 'echo "Permission denied (publickey)." >&2; exit 255');
  const row = await check();
  expect(row).toMatchObject({ state: 'unknown' });
  expect(row.problem).toMatch(why);
});

test.each([
  ['/opt/mam/bin/mam', '/opt/mam/bin/mam --version'],
  ['PATH=/opt/node/bin:$PATH mam', "'PATH=/opt/node/bin:$PATH mam --version'"],
])(
  '%s, as mam is called on the other host, is part of the command that tests the way to it',
  async (mam, tested) => {
    world = await overSsh({ mam });
    const lab = world.lab('hosta');
    lab.install('ssh', 'echo "Permission denied (publickey)." >&2; exit 255');
    expect((await lab.mam('hosts', 'check', 'hostb')).stdout).toContain(
      `→ \`ssh me@hostb.lan ${tested}\` must work here`,
    );
  },
);

test('a hub of another realm is told as that', async () => {
  world = await overSsh();
  world.lab('hostb').more = { MAM_REALM: 'other' };
  fakeSsh(world, 'hosta', 'hostb');
  expect((await check()).problem).toContain('The hub on hostb is not in the realm default.');
});

test('two hosts that reach each other over ssh tell each other at once how their jobs go on', async () => {
  world = await hosts(['hosta', 'hostb']);
  const pairs = [
    ['hosta', 'hostb'],
    ['hostb', 'hosta'],
  ] as const;
  for (const [from, to] of pairs) {
    fakeSsh(world, from, to);
    world.lab(from).configure({ hosts: { [to]: { ssh: to } } });
  }
  // Both connections are open before there is a job.
  for (const [from, to] of pairs) await ask(world.lab(from), 'hosts', { all: false, check: to });
  for (const [from, to] of pairs) {
    const { rows } = await ask(world.lab(from), 'hosts', { all: false });
    expect(rows).toMatchObject([{ host: to, state: 'online', via: 'ssh', may_we: { delegate: true } }]);
  }
  await Promise.all(
    pairs.map(async ([from, to]) => {
      const peer = await world.lab(to).startPeer('good');
      const server = await world.lab(from).startServer();
      const where = { agent_session: `${peer.address}@${to}`, workdir: world.lab(to).project };
      const { job_id } = await server.delegate(peer, where);
      const { jobs } = await server.ask('wait_job', { job_id, timeout_seconds: 50 });
      expect(jobs).toMatchObject([{ status: 'completed', home: { host: to, online: true } }]);
    }),
  );
});
