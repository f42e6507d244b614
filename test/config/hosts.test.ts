import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { brokerFingerprint, describeBroker } from '../../src/bus/hub-file.ts';
import { type Env, hostsNow, loadSettings, type Settings } from '../../src/settings/config.ts';
import { hubEnvironmentOf, peerEnvironment } from '../../src/settings/environment.ts';
import { staysUp } from '../../src/settings/hosts-config.ts';

let folder: string;
let home: string;
let project: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mam-hosts-'));
  home = join(folder, 'home');
  project = join(folder, 'project');
  for (const one of [home, join(project, '.mam')]) mkdirSync(one, { recursive: true, mode: 0o700 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const own = (value: object): void => writeFileSync(join(home, 'config.json'), JSON.stringify(value));
const ofProject = (value: object): void =>
  writeFileSync(join(project, '.mam', 'config.json'), JSON.stringify(value));
const load = (env: Env = {}): Promise<Settings> => loadSettings({ cwd: project }, { MAM_HOME: home, ...env });

describe('the name of this hub', () => {
  test('is the environment’s, else that of MAM_HOME, else made of the machine; never the project’s', async () => {
    ofProject({ host: 'theirs' });
    const made = (await load()).host;
    expect(made).toMatch(/^[a-z0-9-]{1,33}-[0-9a-f]{6}$/);
    own({ host: 'hosta' });
    expect((await load()).host).toBe('hosta');
    expect((await load({ MAM_HOST: 'hostb' })).host).toBe('hostb');
    expect((await load({ MAM_HOST: '' })).host).toBe('hosta');
  });

  test.each(['Host', 'a.b', 'a/b', '+', 'a b', 'x'.repeat(41)])('can not be %s', async (name) => {
    const wrong = {
      code: 'bad_input',
      message: 'MAM_HOST may have only a-z, 0-9 and -, at most 40 characters.',
    };
    await expect(load({ MAM_HOST: name })).rejects.toMatchObject(wrong);
    own({ host: name });
    await expect(load()).rejects.toMatchObject({ code: 'bad_input' });
  });

  test('is handed to the hub and to agents', async () => {
    const env = { MAM_HOME: home, MAM_HOST: 'hosta' };
    expect(peerEnvironment(await load(env), env)).toMatchObject({ MAM_HOST: 'hosta' });
  });
});

describe('the other machines', () => {
  test('get a safe default for what they may not have', async () => {
    own({
      hosts: { hostb: { ssh: 'me@hostb.lan', mam: '/opt/mam' }, hostc: { may: { delegate: true } }, d: {} },
    });
    const { hosts, hostGraceSeconds, trustRealm } = await load();
    expect(hosts).toEqual({
      hostb: { ssh: 'me@hostb.lan', mam: '/opt/mam' },
      hostc: {
        may: {
          delegate: true,
          workdirs: [],
          start: false,
          validate: false,
          decide: false,
          see: 'own',
          max_open_jobs: 10,
        },
      },
      d: {},
    });
    expect([hostGraceSeconds, trustRealm]).toEqual([30, false]);
    const may = {
      delegate: true,
      agents: ['codex'],
      sessions: ['tmux:codex'],
      workdirs: ['/srv/work'],
      start: true,
      validate: ['/srv/checks'],
      decide: true,
      see: 'all' as const,
      max_open_jobs: 3,
    };
    own({ hosts: { hostc: { may } } });
    expect((await load()).hosts['hostc']?.may).toEqual(may);
  });

  test('are only the user’s own, not the project’s and not the environment’s', async () => {
    const given = { hosts: { hostb: {} }, trust_realm: true, broker_public: true, host_grace_seconds: 1 };
    ofProject(given);
    const env = { MAM_HOSTS: '{"hostb":{}}', MAM_TRUST_REALM: '1' };
    expect(await load(env)).toMatchObject({ hosts: {}, trustRealm: false, hostGraceSeconds: 30 });
    own(given);
    expect(await load()).toMatchObject({ trustRealm: true, hostGraceSeconds: 1, brokerPublic: true });
    expect((await load({ MAM_HOST_GRACE_SECONDS: '5' })).hostGraceSeconds).toBe(5);
  });

  test.each([
    [[], 'hosts must be an object'],
    [{ 'Host B': {} }, 'hosts has "Host B", which is not a host name'],
    [{ b: 'me@b' }, 'hosts.b must be an object'],
    [{ b: { shh: 'me@b' } }, 'hosts.b has the unknown field "shh"'],
    [{ b: { ssh: '-oProxyCommand=run' } }, 'hosts.b.ssh must be a destination'],
    [{ b: { ssh: 'b -v' } }, 'hosts.b.ssh must be a destination'],
    [{ b: { ssh: 'b\u0007' } }, 'hosts.b.ssh must be a destination'],
    [{ b: { ssh: '' } }, 'hosts.b.ssh must be a destination'],
    [{ b: { mam: '-v' } }, 'hosts.b.mam must be a command'],
    [{ b: { mam: 'mam\nrun' } }, 'hosts.b.mam must be a command'],
    [{ b: { may: true } }, 'hosts.b.may must be an object'],
    [{ b: { may: { delegates: true } } }, 'hosts.b.may has the unknown field "delegates"'],
    [{ b: { may: { delegate: 1 } } }, 'hosts.b.may.delegate must be true or false'],
    [{ b: { may: { start: 'yes' } } }, 'hosts.b.may.start must be true or false'],
    [{ b: { may: { decide: null } } }, 'hosts.b.may.decide must be true or false'],
    [{ b: { may: { agents: 'codex' } } }, 'hosts.b.may.agents must be a list of strings'],
    [{ b: { may: { sessions: [1] } } }, 'hosts.b.may.sessions must be a list of strings'],
    [{ b: { may: { workdirs: ['srv'] } } }, 'hosts.b.may.workdirs must be a list of absolute folders'],
    [{ b: { may: { validate: ['run.sh'] } } }, 'hosts.b.may.validate must be true, false or a list'],
    [{ b: { may: { validate: '/srv' } } }, 'hosts.b.may.validate must be true, false or a list'],
    [{ b: { may: { see: 'everything' } } }, 'hosts.b.may.see must be "own" or "all"'],
    [{ b: { may: { max_open_jobs: -1 } } }, 'hosts.b.may.max_open_jobs must be a whole number'],
    [{ b: { may: { toString: true } } }, 'hosts.b.may has the unknown field "toString"'],
  ])('are refused with what is wrong: %j', async (hosts, words) => {
    own({ hosts });
    const error = (await load().catch((reason: unknown) => reason)) as { message: string; hint: string };
    expect(error).toMatchObject({ code: 'bad_input', message: expect.stringContaining(words) });
    expect(error.hint).toBe(
      'A host has: ssh, mam, may; its may has: delegate, agents, sessions, workdirs, start, validate, decide, see, max_open_jobs.',
    );
  });

  test('do not have this hub’s own name', async () => {
    own({ host: 'hosta', hosts: { hosta: {} } });
    const wrong = {
      code: 'bad_input',
      message: expect.stringContaining("hosts has this hub's own name, hosta"),
    };
    await expect(load()).rejects.toMatchObject(wrong);
    await expect(load({ MAM_HOST: 'hostb' })).resolves.toBeDefined();
  });

  test('are read again as they are now', () => {
    expect(hostsNow(home)).toEqual({});
    own({ hosts: { hostb: { may: { decide: true } } } });
    expect(hostsNow(home)['hostb']?.may).toMatchObject({ decide: true, delegate: false });
    own({ hosts: { hostb: { may: { decide: 'yes' } } } });
    // Whoever asks at this moment gets nothing.
    expect(() => hostsNow(home)).toThrow('hosts.hostb.may.decide must be true or false');
  });

  test('keep the hub up, if one of them can need it over the broker', async () => {
    const broker = { MAM_BROKER_URL: 'mqtts://b' };
    const cases: [object, Env, boolean][] = [
      [{}, broker, false],
      [{ b: {} }, {}, false],
      [{ b: {} }, broker, true],
      [{ b: { ssh: 'b' } }, broker, false],
      [{ b: { ssh: 'b', may: { delegate: true } } }, broker, true],
      [{ b: { ssh: 'b' }, c: {} }, broker, true],
    ];
    for (const [hosts, env, stays] of cases) {
      own({ hosts });
      expect([hosts, staysUp(await load(env))]).toEqual([hosts, stays]);
    }
  });

  test('may share a broker without encryption only if the user says so, not a project', async () => {
    const plain = async (env: Env = {}) => (await load({ MAM_BROKER_URL: 'mqtt://b', ...env })).broker?.plain;
    ofProject({ broker_plain: true });
    expect(await plain()).toBe(undefined);
    expect(await plain({ MAM_BROKER_PLAIN: '1' })).toBe(true);
    own({ broker_plain: true });
    expect(await plain()).toBe(true);
    expect(await plain({ MAM_BROKER_PLAIN: '0' })).toBe(undefined);
    own({ broker_plain: 1 });
    await expect(plain()).rejects.toMatchObject({
      message: expect.stringContaining('must be true or false'),
    });
  });

  test('close the broker to other programs, unless the user wants both', async () => {
    expect((await load()).brokerPublic).toBe(true);
    own({ broker_public: false });
    expect((await load()).brokerPublic).toBe(false);
    own({ hosts: { hostb: {} } });
    expect((await load()).brokerPublic).toBe(false);
    own({ hosts: { hostb: {} }, broker_public: true });
    expect((await load()).brokerPublic).toBe(true);
    own({ broker_public: 1 });
    await expect(load()).rejects.toMatchObject({ message: expect.stringContaining('must be true or false') });
  });
});

describe('a cluster', () => {
  const list = 'mqtts://me:a,b%40@one:8883, wss://me:a,b%40@two/mqtt';

  test('is a list of its nodes, with one user', async () => {
    const { broker } = await load({ MAM_BROKER_URL: list });
    expect(broker).toMatchObject({
      urls: ['mqtts://one:8883', 'wss://two/mqtt'],
      username: 'me',
      password: 'a,b@',
    });
    expect(describeBroker(broker)).toBe('mqtts://one:8883, wss://two/mqtt');
    const first = await load({ MAM_BROKER_URL: 'mqtts://me:a,b%40@one:8883' });
    expect(brokerFingerprint(first.broker)).not.toBe(brokerFingerprint(broker));
  });

  test('reaches the hub as it is, without the password in it', async () => {
    const env = { MAM_HOME: home, MAM_BROKER_URL: list };
    const settings = await load(env);
    const handed = hubEnvironmentOf(settings);
    expect(handed['MAM_BROKER_URL']).toBe('mqtts://one:8883,wss://two/mqtt');
    expect((await load(handed)).broker).toEqual(settings.broker);
    expect(JSON.stringify(peerEnvironment(settings, env))).not.toContain('a,b');
  });

  test.each(['mqtt://one,two', 'mqtt://one,mqtt://', 'mqtt://one,http://two', 'mqtt://one,', ',mqtt://one'])(
    '%s is not one',
    async (url) => {
      await expect(load({ MAM_BROKER_URL: url })).rejects.toMatchObject({
        code: 'bad_input',
        message: 'The broker URL cannot be used.',
      });
    },
  );

  test.each([
    'mqtts://me:s3cret@a,mqtts://me:s4cret@b',
    'mqtts://me:s3cret@a,mqtts://you:s3cret@b',
    'mqtts://me:s3cret@a,mqtts://b',
  ])('no node gets the password of another: %s', async (url) => {
    const error = (await load({ MAM_BROKER_URL: url }).catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining('different user names'),
    });
    expect(JSON.stringify([error.message, error])).not.toMatch(/s\dcret/);
  });
});

describe('the client certificate', () => {
  const url = 'mqtts://b';

  test('is a pair of files, for the broker of the same source', async () => {
    own({ broker_url: url, broker_cert: 'c.pem', broker_key: '/keys/k.pem' });
    expect((await load()).broker).toMatchObject({ cert: join(home, 'c.pem'), key: '/keys/k.pem' });
    const other = await load({ MAM_BROKER_URL: 'mqtts://elsewhere' });
    expect(other.broker).toMatchObject({ cert: undefined, key: undefined });
    const handed = hubEnvironmentOf(await load());
    expect(handed).toMatchObject({ MAM_BROKER_CERT: join(home, 'c.pem'), MAM_BROKER_KEY: '/keys/k.pem' });
  });

  test.each([
    ['CERT', 'KEY'],
    ['KEY', 'CERT'],
  ])('%s without %s is an error', async (set, missing) => {
    const half = load({ MAM_BROKER_URL: url, [`MAM_BROKER_${set}`]: '/x.pem' });
    const message = `MAM_BROKER_${set} is set without MAM_BROKER_${missing}: a client certificate needs its key.`;
    await expect(half).rejects.toMatchObject({ code: 'bad_input', message });
  });
});
