import { afterEach, expect, test } from 'vitest';
import type { HostsResult } from '../../src/operations/hosts.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { MosquittoBroker } from '../support/hosts/mosquitto.ts';
import { until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** Two hosts on a broker: hosta may delegate to hostb, and hostb may ask nothing. */
async function two(): Promise<MosquittoBroker> {
  world = await hosts(['hosta', 'hostb']);
  const broker = await MosquittoBroker.make(world);
  await broker.start();
  for (const name of world.names) world.lab(name).more = await broker.env(name);
  world.lab('hosta').configure({ hosts: { hostb: {} } });
  world.lab('hostb').configure({ hosts: { hosta: { may: { delegate: true, workdirs: ['/srv'] } } } });
  await world.lab('hostb').mam('hub', 'restart');
  await until('hosta sees hostb', async () => {
    const { rows } = (await world.lab('hosta').json('hosts')) as unknown as HostsResult;
    return rows[0]?.may_we !== undefined;
  });
  return broker;
}

test('mam hosts lists the others, and mam hosts check says what each may ask', async () => {
  await two();
  const a = world.lab('hosta');
  const { code, stdout, stderr } = await a.mam('hosts');
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'mam: This host is hosta.\n' });
  const [host, state, , version, jobs, via, may] = stdout.trimEnd().split('\t');
  expect([host, state, jobs, via, may]).toEqual(['hostb', 'online', '0', 'broker', 'delegate / nothing']);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);

  const check = await a.mam('hosts', 'check', 'hostb');
  expect(check).toMatchObject({ code: 0, stderr: '' });
  expect(check.stdout).toMatch(/ok {7}hostb \(broker\) is online, answers in \d+ ms\n/);
  expect(check.stdout).toContain('We may ask of hostb: delegate\n');
  expect(check.stdout).toContain('hostb may ask of us: nothing\n');
  expect(check.stdout).toMatch(/\nhostb can be asked\.\n$/);

  // The other way round nothing is allowed, and it says how that is changed.
  const back = await world.lab('hostb').json('hosts', 'check', 'hosta');
  expect(back).toMatchObject({ ok: true, row: { may_we: { delegate: false }, may_it: { delegate: true } } });
  expect(back['next']).toContain('"may": { "delegate": true, "workdirs": ["/srv/work"] }');

  const still = await world.lab('hostb').mam('hosts', 'check', 'hosta');
  expect(still).toMatchObject({ code: 0, stdout: /\nhosta answers, but takes no jobs from here\.\n$/ });

  // What it allows is what its settings say now, as it is for whatever is asked.
  world
    .lab('hostb')
    .configure({ hosts: { hosta: { may: { delegate: true, workdirs: ['/srv'], decide: true } } } });
  expect((await a.mam('hosts', 'check', 'hostb')).stdout).toContain(
    'We may ask of hostb: delegate, decide\n',
  );

  expect(await a.mam('hosts', 'check', 'hostx')).toMatchObject({
    code: 69,
    stderr: /There is no host "hostx"/,
  });
});

test('mam hosts --all also lists a hub that hosts does not name', async () => {
  const broker = await two();
  world.lab('hosta').configure({ hosts: { hostx: {} } });
  void broker;
  await until('hostb is a stranger now', async () => {
    const { rows } = (await world.lab('hosta').json('hosts', '--all')) as unknown as HostsResult;
    return rows.some(({ host, named, state }) => host === 'hostb' && !named && state === 'online');
  });
});

test('a host that is away is told by the check, by mam hub and by the doctor, with the way back', async () => {
  await two();
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  await b.mam('hub', 'stop');
  await until('hosta knows that hostb has left', async () => {
    const { rows } = (await a.json('hosts')) as unknown as HostsResult;
    return rows[0]?.state === 'offline';
  });
  const check = await a.mam('hosts', 'check', 'hostb');
  expect(check.code).toBe(69);
  expect(check.stdout).toMatch(/note {5}hostb \(broker\): offline since \d{4}-\d\d-\d\d \d\d:\d\d\./);
  expect(check.stdout).toContain('→ On hostb, `mam hub` says whether its hub runs');
  expect((await a.mam('hub')).stdout).toContain('hosts       0 of 1 online (`mam hosts` lists them)\n');
  const { stdout } = await a.mam('doctor');
  expect(stdout).toMatch(/\nOther hosts\n {2}ok {7}For other hosts, this one is hosta\n/);
  expect(stdout).toMatch(/note {5}hostb \(broker\): offline since/);
});

test('a broker that is not joined is told once, with the step that mends it', async () => {
  world = await hosts(['hosta', 'hostb']);
  const broker = await MosquittoBroker.make(world, { tls: true });
  await broker.start();
  const a = world.lab('hosta');
  a.configure({ hosts: { hostb: {} } });
  const env = await broker.env('hosta');
  const checked = async (more: Record<string, string>, words: RegExp): Promise<string> => {
    a.more = more;
    await a.mam('hub', 'restart');
    return until(`${words} is said`, async () => {
      const { code, stdout } = await a.mam('hosts', 'check', 'hostb');
      expect(code).toBe(69);
      return words.test(stdout) ? stdout : undefined;
    });
  };
  const { MAM_BROKER_CA: _, ...without } = env;
  const untrusted = await checked(without, /not trusted \(/);
  expect(untrusted).toContain('Set MAM_BROKER_CA (broker_ca in MAM_HOME/config.json) to');
  expect(untrusted).toContain(
    '→ What you fix at the broker is noticed by itself; after a change of the settings, run',
  );
  expect(untrusted.match(/not trusted/g)).toHaveLength(1);
  expect(untrusted).not.toContain('On hostb');

  // Another name than that of its user is found out only by a message that does not come.
  const named = { ...env, MAM_HOST: 'hosty' };
  await checked(named, /not joined yet, so no host is reached over it: that is being tried now\./);
  await checked(named, /broker_username.* must be called hosty/);
});

test('a host with neither ssh nor a broker is told as that', async () => {
  world = await hosts(['hosta']);
  const a = world.lab('hosta');
  a.configure({ hosts: { hostb: {} } });
  const { code, stdout } = await a.mam('hosts', 'check', 'hostb');
  expect(code).toBe(69);
  expect(stdout).toContain('hostb cannot be reached: it has no `ssh` in hosts, and no broker is configured.');
  expect(stdout).toContain(
    '→ Give hostb an `ssh` destination in MAM_HOME/config.json, or set MAM_BROKER_URL (broker_url in MAM_HOME/config.json).',
  );
});
