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
