import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KINDS } from '../../src/agents/index.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { PROTOCOL_VERSION } from '../../src/operations/request.ts';
import { thisOwner } from '../../src/registry/lock.ts';
import { tools } from '../../tools/index.ts';
import { HOMES } from '../agents/programs.ts';
import type { RunningCommand } from '../support/command.ts';
import { finding, lookWith, runDoctor } from '../support/doctor.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { installed, Mosquitto, PASSWORD } from '../support/mosquitto.ts';
import { plant, plantJob } from '../support/plant.ts';
import { freePort } from '../support/ports.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

let lab: Lab;
let socketFolder: string;
beforeEach(() => {
  lab = new Lab();
  lab.expected.push(NOT_OURS, /^h\/(installed\.json$|trust\/)/);
  socketFolder = join(lab.folder, `tmux-${userInfo().uid}`);
});
afterEach(() => lab.end());

/** Runs the command. */
const doctor = (args?: string[], options?: Parameters<Lab['start']>[1]) => runDoctor(lab, args, options);
/** What single checks find. */
const look = (names: string[], more?: Record<string, string>) => lookWith(lab, names, more);

function put(path: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** Every path below the lab with its text. */
function everything(): Record<string, string> {
  const entries = readdirSync(lab.folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isFile() ? readFileSync(path, 'utf8') : ''];
    }),
  );
}

describe('as a whole', () => {
  test('a new machine has no problem, and nothing is changed or started', async () => {
    const before = everything();
    const report = await doctor();
    expect(report).toMatchObject({ code: 0, ok: true, next: 'Nothing needs to be done.' });
    expect(report.of('program.versions').title).toMatch(/^mam \S+, node 2\S+, tmux \S+, /);
    expect(report.of('hub.running')).toMatchObject({ level: 'ok' });
    expect(report.of('tmux.socket').title).toContain('No tmux server is running yet');
    expect(everything()).toEqual(before);
    await until('all that it started is gone', () => lab.processes.length === 0);
  });

  test('people get marks, remedies and a last line; no colour without a terminal', async () => {
    put(join(lab.home, 'config.json'), '{');
    const { code, stdout, stderr } = await lab.mam('doctor');
    expect([code, stderr]).toEqual([69, '']);
    expect(stdout).toMatch(/^Program\n {2}ok {7}mam /);
    expect(stdout).toMatch(
      /\nSettings\n {2}problem {2}\S+config\.json is not valid JSON\.\n {11}→ Fix or remove it\.\n/,
    );
    expect(stdout).toMatch(/\n\n1 problem, \d+ notes?\.\n$/);
    expect(stdout).not.toContain('\u001b');
    expect((await lab.mam('doctor', '--client', 'nobody')).code).toBe(64);
  });

  test('a check that cannot end in time is a finding, and what it has started ends', async () => {
    const bin = join(lab.folder, 'bin');
    put(join(bin, 'tmux'), '#!/bin/sh\nsleep 300 & sleep 300\n', 0o755);
    symlinkSync(process.execPath, join(bin, 'node'));
    const { code, findings } = JSON.parse(
      (await lab.start(['doctor', '--json'], { env: { PATH: `${bin}:/usr/bin:/bin` } }).ended).stdout,
    );
    expect(code).toBeUndefined();
    const { level } = findings.find(({ id }: Finding) => id === 'tmux.version');
    expect(level).toBe('problem');
    await until('all that it started is gone', () => lab.processes.length === 0);
  });
});

describe('programs', () => {
  const withProgram = (name: string, said: string): Record<string, string> => {
    const bin = join(lab.folder, 'bin');
    put(join(bin, name), `#!/bin/sh\necho "${said}"\n`, 0o755);
    return { PATH: `${bin}:${process.env['PATH']}` };
  };

  test.each([
    ['tmux 2.9a', 'problem', 'too old'],
    ['tmux 3.2a', 'note', 'older than the oldest'],
    ['tmux 3.5', 'ok', 'tmux 3.5 at'],
    ['tmux 3.10', 'ok', 'tmux 3.10 at'],
    ['tmux master', 'ok', 'tmux master at'],
  ])('%s: %s', async (said, level, words) => {
    const found = (await look(['tmux'], withProgram('tmux', said))).of('tmux.version');
    expect(found.level).toBe(level);
    expect(found.title).toContain(words);
  });

  test.each([
    ['git version 2.30.2', 'note', 'too old for what jobs have changed, worktrees for jobs, and `mam diff`'],
    ['git version 2.31.0', 'note', 'too old for worktrees for jobs, and `mam merge`.'],
    ['git version 2.34.1', 'note', 'too old for `mam merge` of branches that both have gone on'],
    ['git version 2.38.0.windows.1', 'ok', 'git version 2.38.0.windows.1 at'],
    ['git version 2.100.1 (Apple Git-200)', 'ok', 'git version 2.100.1'],
    ['something else', 'note', 'does not report its version'],
  ])('%s: %s', async (said, level, words) => {
    const found = (await look(['git'], withProgram('git', said))).of('git.version');
    expect(found.level).toBe(level);
    expect(found.title).toContain(words);
  });

  test('no tmux, no git and no bash', async () => {
    const bin = join(lab.folder, 'bin');
    mkdirSync(bin);
    const report = await doctor([], { env: { PATH: bin } });
    expect(report.of('tmux.version')).toMatchObject(finding('problem', { remedy: 'apt-get' }));
    expect(report.of('program.bash').level).toBe('note');
    expect(report.of('git.version')).toMatchObject(finding('note', { remedy: 'no worktrees' }));
  });

  test('an agent of another version is a note; what asks a program leaves nothing in the home', async () => {
    const bin = join(lab.folder, 'bin');
    const package_ = { name: 'x', version: '9.8.7', bin: { codex: 'codex.js' } };
    put(join(lab.folder, 'lib', 'package.json'), JSON.stringify(package_));
    put(join(lab.folder, 'lib', 'bin', 'codex.js'), '#!/bin/sh\ntouch $HOME/asked\n', 0o755);
    mkdirSync(bin);
    symlinkSync('../lib/bin/codex.js', join(bin, 'codex'));
    put(join(bin, 'gemini'), '#!/bin/sh\ntouch $HOME/asked\necho 0.61.0\n', 0o755);
    put(join(bin, 'opencode'), '#!/bin/sh\nexit 1\n', 0o755);
    const report = await doctor([], { env: { PATH: `${bin}:${process.env['PATH']}` } });
    expect(report.of('agent.codex')).toMatchObject({ level: 'note' });
    expect(report.of('agent.codex').title).toContain('is 9.8.7; mam was tested with');
    expect(report.of('agent.gemini').level).toBe('ok');
    expect(report.of('agent.opencode').title).toContain('does not report its version');
    expect(report.of('client.codex.configured').remedy).toContain('`mam install codex`');
    expect(existsSync(join(lab.folder, 'asked'))).toBe(false);
  });

  test('the versions that the kinds were tried with are those of the scenarios', () => {
    const tried = Object.fromEntries(
      KINDS.flatMap(({ name, start }) => (start ? [[name, start.tried]] : [])),
    );
    expect(tried).toEqual(Object.fromEntries(HOMES.map(({ kind, npm }) => [kind, npm.version])));
  });
});

describe('tmux sockets', () => {
  test('sessions are counted, without those of hubs, and the reason is named', async () => {
    await lab.startSession('one', 'sleep 300');
    await lab.startSession('two', 'sleep 300');
    const report = await doctor();
    expect(report.of('tmux.socket')).toMatchObject({ level: 'ok' });
    expect(report.of('tmux.socket').title).toMatch(/^2 sessions at .*default server, in TMUX_TMPDIR/);
    const named = await look(['tmux sockets'], { TMUX_SERVER_NAME: 'other' });
    expect(named.of('tmux.socket').title).toMatch(
      /No tmux server is running yet at .*other \(TMUX_SERVER_NAME=other\)/,
    );
    expect(existsSync(join(socketFolder, 'other'))).toBe(false);
  });

  test('a stale socket is a note; the server that TMUX names and that is gone is a problem', async () => {
    await lab.startSession('one', 'sleep 300');
    const socket = join(socketFolder, 'default');
    const pid = Number(await lab.tmux('display-message', '-p', '#{pid}'));
    process.kill(pid, 'SIGKILL');
    await until('the server is gone', () => !isRunning(pid));
    const stale = (await look(['tmux sockets'])).of('tmux.socket');
    expect(stale.level).toBe('note');
    expect(stale.title).toContain('left its socket behind');
    const env = { TMUX: `${socket},1,0`, TMUX_PANE: '%0' };
    const inside = (await look(['tmux sockets'], env)).of('tmux.socket');
    expect(inside).toMatchObject(finding('problem', { remedy: 'unset TMUX TMUX_PANE' }));
  });

  test('a stopped server is reported in time', async () => {
    await lab.startSession('one', 'sleep 300');
    const pid = Number(await lab.tmux('display-message', '-p', '#{pid}'));
    process.kill(pid, 'SIGSTOP');
    try {
      const found = (await look(['tmux sockets'])).of('tmux.socket');
      expect(found.title).toContain('did not answer within 2 s');
      expect(found.level).toBe('problem');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('TMUX against TMUX_TMPDIR', async () => {
    await lab.startSession('one', 'sleep 300');
    const elsewhere = join(lab.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const env = { TMUX: `${join(socketFolder, 'default')},1,0`, TMUX_PANE: '%0', TMUX_TMPDIR: elsewhere };
    const inside = await doctor([], { env });
    // What runs around this shell is found; a mam outside of it would look elsewhere.
    expect(inside.of('tmux.socket').level).toBe('ok');
    expect(inside.of('tmux.folders')).toMatchObject(
      finding('note', { remedy: `export TMUX_TMPDIR=${lab.folder}` }),
    );
    const named = await look(['tmux sockets'], { ...env, TMUX_SERVER_NAME: 'default' });
    expect(named.of('tmux.folders').level).toBe('problem');
    const agreed = await look(['tmux sockets'], { ...env, TMUX_TMPDIR: lab.folder });
    expect(agreed.all('tmux.folders')).toEqual([]);
    const missing = await look(['tmux sockets'], { TMUX_TMPDIR: join(lab.folder, 'missing') });
    expect(missing.of('tmux.tmpdir')).toMatchObject(finding('problem', { remedy: 'mkdir -p' }));
  });
});

describe('the home and the settings', () => {
  test('a home that others can read, that is a file, or too deep for a socket', async () => {
    mkdirSync(lab.home, { mode: 0o755 });
    chmodSync(lab.home, 0o755);
    const open = (await doctor()).of('home.folder');
    expect(open).toMatchObject({ level: 'note', remedy: `\`chmod 700 ${lab.home}\`` });
    chmodSync(lab.home, 0o777);
    expect((await look(['home'])).of('home.folder').level).toBe('problem');
    chmodSync(lab.home, 0o700);
    expect((await look(['home'])).of('home.folder').level).toBe('ok');
    const file = put(join(lab.folder, 'file'), '');
    expect((await look(['home'], { MAM_HOME: file })).of('home.folder').title).toContain('is not a folder');
    const deep = join(lab.folder, 'd'.repeat(100));
    expect((await look(['home'], { MAM_HOME: deep })).of('home.socket').level).toBe('ok');
  });

  test('configuration files are named with what is wrong; secrets are not shown', async () => {
    put(join(lab.project, '.mam', 'config.json'), '{"realms":"x"}');
    put(join(lab.home, 'config.json'), `{"broker_password":"${PASSWORD}",`);
    const broken = await doctor();
    expect(broken.of('settings.file')).toMatchObject({ level: 'problem', remedy: 'Fix or remove it.' });
    // That of a project stops nothing.
    expect(broken.of('settings.project')).toMatchObject({
      level: 'note',
      title: expect.stringMatching(
        /has the unknown setting "realms"\. All of it is ignored until this is fixed\.$/,
      ),
      remedy: expect.stringMatching(/^The settings are: registry_dir/),
    });
    expect(broken.text).not.toContain(PASSWORD);
    rmSync(join(lab.home, 'config.json'));
    put(join(lab.project, '.mam', 'config.json'), '{"realm":"team-a","tmux_server_name":"x"}');
    expect((await look(['settings'])).of('settings.project').title).toContain(
      'sets realm and tmux_server_name, which',
    );
    expect((await lab.mam('trust', '--yes')).code).toBe(0);
    const env = {
      MAM_REALM: 'team-b',
      MAM_REGISTRY: '/x',
      MAM_BROKER_URL: `mqtt://me:${PASSWORD}@127.0.0.1:1`,
      // Known as well: a setting of the server, and what a check is given.
      MAM_CHANNEL: '1',
      MAM_JOB_DIR: '/x',
      MAM_CHECK: 'x',
    };
    const report = await doctor([], { env });
    const { detail = '' } = report.of('settings.sources');
    expect(detail.split('\n')).toEqual([
      `MAM_HOME=${lab.home} (environment)`,
      'MAM_BROKER_URL=mqtt://127.0.0.1:1 (environment)',
      'MAM_REALM=team-b (environment)',
      `tmux_server_name=x (${join(lab.project, '.mam', 'config.json')})`,
      'MAM_CHANNEL=1 (environment)',
    ]);
    expect(report.of('settings.unknown')).toMatchObject({
      level: 'note',
      remedy: 'Did you mean MAM_REGISTRY_DIR?',
    });
    expect(report.text).not.toContain(PASSWORD);
    expect(report.of('settings.registry').title).toContain('in this folder');
  });

  test('the values in force are named with where they come from', async () => {
    const project = put(
      join(lab.project, '.mam', 'config.json'),
      '{"max_depth":9,"hub_idle_seconds":5,"max_open_jobs":2}',
    );
    const report = await look(['settings'], { MAM_MAX_OPEN_JOBS: '7' });
    expect(report.of('settings.sources').detail?.split('\n').slice(1)).toEqual([
      `max_open_jobs=2 (${project})`,
    ]);
  });

  test('a configuration that others can write is a problem, not one that is understood', async () => {
    const path = put(join(lab.home, 'config.json'), '{}');
    chmodSync(lab.home, 0o755);
    chmodSync(path, 0o666);
    expect((await doctor()).of('settings.file')).toMatchObject(
      finding('problem', { title: 'can be written by other users (mode 666), so it is not used' }),
    );
  });

  test('an unusable setting is reported, and what needs none is still checked', async () => {
    const report = await doctor([], { env: { MAM_REALM: 'No Words' } });
    expect(report.of('settings.refused')).toMatchObject({ level: 'problem' });
    expect(report.of('settings.refused').detail).toContain('skipped');
    expect(report.of('tmux.version').level).toBe('ok');
    expect(report.all('hub.running')).toEqual([]);
  });
});

describe('the hub', () => {
  test('one that runs, is stopped, has been killed; the doctor starts none', async () => {
    plant(lab, 'open-job');
    await lab.mam('hub', 'restart');
    const pid = await lab.hubPid();
    const runs = (await doctor()).of('hub.running');
    expect(runs.title).toMatch(new RegExp(`^It is running: process ${pid}, version \\S+, 1 open job$`));
    process.kill(pid, 'SIGSTOP');
    const stopped = (await look(['hub'])).of('hub.running');
    expect(stopped).toMatchObject(finding('problem', { remedy: `kill -CONT ${pid}` }));
    process.kill(pid, 'SIGCONT');
    await lab.killHub();
    const killed = (await look(['hub'])).of('hub.running');
    expect(killed).toMatchObject(finding('ok', { detail: `Hub ${pid} left` }));
    expect(lab.hubs).toEqual([]);
    await lab.mam('hub', 'restart');
  });

  test('another protocol, another broker', async () => {
    const owner = thisOwner(lab.home);
    const file = {
      pid: owner.pid,
      version: '9.9.9',
      realm: 'default',
      host: 'x',
      broker: 'embedded',
      broker_fingerprint: 'x',
    };
    put(join(lab.home, 'hub.owner'), JSON.stringify(owner), 0o600);
    for (const [protocol, remedy] of [
      [PROTOCOL_VERSION + 1, '`mam hub restart`'],
      [PROTOCOL_VERSION - 1, `\`kill ${owner.pid}\``],
    ] as const) {
      put(join(lab.home, 'hub.json'), JSON.stringify({ ...file, protocol }), 0o600);
      const found = (await look(['hub'])).of('hub.version');
      expect(found).toMatchObject(finding('problem', { remedy: remedy }));
      expect(found.title).toContain(`speaks protocol ${protocol} (version 9.9.9)`);
    }
    for (const name of ['hub.owner', 'hub.json']) rmSync(join(lab.home, name));
    await lab.mam('hub', 'restart');
    const other = await look(['hub'], { MAM_REALM: 'team-b' });
    expect(other.of('hub.settings')).toMatchObject(finding('problem', { remedy: 'mam hub restart' }));
  });

  test('errors of its log and events that wait', async () => {
    const now = new Date().toISOString();
    put(
      join(lab.home, 'hub.log'),
      `2020-01-01T00:00:00.000Z error long ago\n${now} info fine\n${now} error job x was not taken up\n`,
    );
    const waiting = put(join(lab.home, 'outbox', 'w-000000001.json'), '{}');
    const past = Date.now() / 1000 - 7200;
    utimesSync(waiting, past, past);
    const bad = put(join(lab.home, 'outbox', 'w-000000002.json.bad'), 'x');
    chmodSync(lab.home, 0o700);
    const report = await doctor();
    expect(report.of('hub.log')).toMatchObject(finding('note', { detail: 'not taken up' }));
    expect(report.of('hub.log').detail).not.toContain('long ago');
    expect(report.of('hub.outbox').title).toMatch(/^One event waits .* for 2 h\.$/);
    expect(report.of('hub.outbox-bad').level).toBe('note');
    for (const path of [waiting, bad]) rmSync(path);
  });
});

describe('an external broker', () => {
  test('that is not there', async () => {
    const port = await freePort();
    const report = await doctor([], { env: { MAM_BROKER_URL: `mqtt://me:${PASSWORD}@127.0.0.1:${port}` } });
    const found = report.of('broker.reachable');
    expect(found.level).toBe('problem');
    expect(found.title).toBe(`The MQTT broker mqtt://127.0.0.1:${port} cannot be reached (ECONNREFUSED).`);
    expect(report.text).not.toContain(PASSWORD);
  });

  test('of many nodes that know only the older protocol: all are tried, and Node warns of nothing', async () => {
    const aedes = await Aedes.createBroker();
    const node = async (): Promise<string> => {
      // The protocol level follows the protocol name.
      const server = createServer((socket) =>
        socket.once('data', (connect) => {
          if (connect[8] !== 4) return socket.destroy();
          socket.unshift(connect);
          return aedes.handle(socket);
        }),
      );
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      lab.onEnd(() => server.close());
      return `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
    };
    lab.onEnd(() => aedes.close());
    const nodes = await Promise.all([node(), node(), node(), node()]);
    const report = await doctor([], { env: { MAM_BROKER_URL: nodes.join(',') } });
    expect(report.all('broker.reachable').map(({ level }) => level)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  test('that takes the connection and says nothing', async () => {
    const silent = createServer();
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    lab.onEnd(() => silent.close());
    const { port } = silent.address() as { port: number };
    const report = await look(['broker'], { MAM_BROKER_URL: `mqtt://127.0.0.1:${port}` });
    expect(report.of('broker.reachable').title).toContain('no answer in time');
  });

  test.runIf(installed)('a message to and fro, the hub on it, a wrong password or authority', async () => {
    const plain = await Mosquitto.make(lab);
    await plain.start();
    const good = await doctor([], { env: plain.env });
    expect(good.of('broker.reachable').title).toMatch(
      /delivers a message and its answer in \d+ ms \(realm default\)/,
    );
    await lab.start(['hub', 'restart'], { env: plain.env }).ended;
    await until('the hub is on it', async () => {
      const report = await look(['broker'], plain.env);
      return report.of('broker.hub').level === 'ok';
    });
    const far = { ...plain.env, MAM_HOME: join(lab.folder, 'far') };
    expect((await look(['broker'], far)).of('broker.others').level).toBe('note');
    const wrong = await doctor([], { env: { ...plain.env, MAM_BROKER_PASSWORD: `${PASSWORD}x` } });
    expect(wrong.of('broker.reachable').title).toContain('refused the user name or the password');
    expect(wrong.text).not.toContain(PASSWORD);
    const dead = `mqtt://127.0.0.1:${await freePort()}`;
    const cluster = await look(['broker'], { ...plain.env, MAM_BROKER_URL: `${dead},${plain.url}` });
    expect(cluster.of('broker.reachable')).toMatchObject({ level: 'ok' });
    expect(cluster.of('broker.node')).toMatchObject({
      level: 'note',
      title: `The MQTT broker ${dead} cannot be reached (ECONNREFUSED).`,
    });
    const tls = await Mosquitto.make(lab, { tls: true });
    await tls.start();
    const untrusted = await look(['broker'], tls.env);
    expect(untrusted.of('broker.reachable')).toMatchObject({
      remedy: expect.stringContaining('MAM_BROKER_CA'),
    });
    // Under an address that its certificate does not have.
    const other = createServer((near) => {
      const far = connect(tls.port, '127.0.0.1').on('error', () => near.destroy());
      near.on('error', () => far.destroy());
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((done) => other.listen(0, '127.0.0.2', done));
    lab.onEnd(() => other.close());
    const url = `mqtts://127.0.0.2:${(other.address() as { port: number }).port}`;
    const misnamed = await look(['broker'], {
      ...tls.env,
      MAM_BROKER_URL: url,
      MAM_BROKER_CA: tls.certificate,
    });
    expect(misnamed.of('broker.reachable')).toMatchObject({
      title: expect.stringContaining('has a TLS certificate for another name'),
      remedy: expect.stringContaining('MAM_BROKER_URL'),
    });
    expect(
      (await look(['broker'], { ...tls.env, MAM_BROKER_CA: tls.certificate })).all('broker.reachable'),
    ).toMatchObject([{ level: 'ok' }]);
  });
});

describe('the registry', () => {
  const event = (seq: number, type: string): string =>
    `\n${JSON.stringify({ seq, recorded_at: new Date().toISOString(), event_id: `e${seq}`, job_id: 'JOB', type, source: 'peer', at: '' })}\n`;

  const append = (id: string, text: string): void =>
    appendFileSync(lab.paths(id).journal, text.replaceAll('"JOB"', JSON.stringify(id)));

  test('a damaged journal is named by job, line and what is lost', async () => {
    for (const id of ['whole', 'torn', 'middle', 'lost', 'hopeless', 'weird'])
      plantJob(lab.registry, id, {}, lab.project);
    append('torn', `${event(2, 'started')}\n{"seq":3,"ty`);
    append('middle', `\n{"seq":2,"ty${event(2, 'started')}`);
    append('lost', `${event(2, 'started')}\n{"seq":3\u001b[31m oops}\n${event(4, 'progress')}`);
    writeFileSync(lab.paths('hopeless').journal, 'rubbish\n');
    rmSync(lab.paths('weird').journal);
    mkdirSync(lab.paths('weird').journal);
    lab.expected.push(/^p\/\.mam\/jobs\/README$/);
    put(join(lab.registry, 'README'), 'somebody else');
    mkdirSync(join(lab.registry, 'no-job-of-ours'));
    const before = everything();
    const report = await doctor();
    const said = Object.fromEntries(
      report.all('registry.journal').map((one) => [/job (\w+)/.exec(one.title)?.[1], one]),
    );
    expect(Object.keys(said).sort()).toEqual(['hopeless', 'lost', 'middle', 'weird']);
    expect(said['lost']).toMatchObject({
      level: 'problem',
      title: 'The journal of job lost is damaged in line 6: event 3 is lost.',
      remedy: expect.stringContaining(`restore ${lab.paths('lost').journal} from a backup`),
    });
    expect(said['middle']).toMatchObject(finding('note', { title: 'no event is missing' }));
    expect(said['hopeless']).toMatchObject(
      finding('problem', { remedy: `move the folder ${join(lab.registry, 'hopeless')} away` }),
    );
    expect(said['torn']).toBeUndefined();
    expect(report.of('registry.jobs').title).toContain('all read');
    expect(report.text).not.toContain('\\u001b');
    expect(everything()).toEqual(before);
  });

  test('a journal that is shorter than its record, a task that is gone, a job that is gone', async () => {
    plant(lab, 'short');
    plant(lab, 'gone');
    plant(lab, 'fresh');
    rmSync(join(lab.registry, 'fresh', 'prompt.md'));
    writeFileSync(
      lab.paths('short').journal,
      readFileSync(lab.paths('short').journal, 'utf8').replaceAll('"20', '"19'),
    );
    const record = { job_id: 'short', status: 'running', seq: 3 };
    put(join(lab.registry, 'short', 'job.json'), JSON.stringify(record));
    rmSync(join(lab.registry, 'short', 'prompt.md'));
    rmSync(join(lab.registry, 'gone'), { recursive: true });
    // What a hub has in its registry: without any, the whole registry may be away.
    put(join(lab.registry, '.index.jsonl'), '');
    const report = await look(['registry']);
    expect(report.of('registry.journal').title).toBe(
      'The journal of job short was changed: events 2, 3 are lost.',
    );
    expect(report.of('registry.prompt').remedy).toContain('`mam cancel short`');
    expect(report.of('registry.live')).toMatchObject({ level: 'note', detail: `gone in ${lab.registry}` });
  });

  test('a record that lags behind its journal is a note: the journal counts', async () => {
    for (const id of ['late', 'alike']) {
      plantJob(lab.registry, id, {}, lab.project);
      append(id, event(2, 'completed').replaceAll('"20', '"19'));
    }
    const record = { job_id: 'late', status: 'running', seq: 1 };
    put(join(lab.registry, 'late', 'job.json'), JSON.stringify(record));
    put(join(lab.registry, 'alike', 'job.json'), JSON.stringify({ ...record, status: 'completed', seq: 2 }));
    const found = (await look(['registry'])).of('registry.record');
    expect(found).toMatchObject({
      level: 'note',
      title: 'Job late is completed, but its job.json says running, as it was after event 1 of 2.',
    });
  });

  test('the hub of another home writes it; the lock of a dead one binds nobody', async () => {
    const owner = { ...thisOwner('/somewhere/else'), pid: process.pid };
    lab.expected.push(/^p\/\.mam\/jobs\/\.hub\.owner$/);
    const file = put(join(lab.registry, '.hub.owner'), JSON.stringify(owner));
    expect((await look(['registry'])).of('registry.lock').title).toContain(
      `process ${process.pid}, /somewhere/else`,
    );
    writeFileSync(file, JSON.stringify({ ...owner, boot: 'before' }));
    expect((await look(['registry'])).all('registry.lock')).toEqual([]);
  });

  test('of more than 1,000 jobs the newest and every open one are read', async () => {
    const [first, count] = [new Date('2026-01-01').getTime(), 1_010];
    const idOf = (n: number): string => `job-${String(n).padStart(5, '0')}`;
    // Most that this test costs is files: of the others there are only the folders.
    const [open, old, oldestRead, newest] = [7, 8, 10, count - 1];
    for (let n = 0; n < count; n++) {
      const folder = join(lab.registry, idOf(n));
      mkdirSync(folder, { recursive: true });
      if ([open, old, oldestRead, newest].includes(n)) {
        writeFileSync(lab.paths(idOf(n)).journal, 'rubbish\n');
        const record = { job_id: idOf(n), status: 'completed', seq: 1 };
        if (n !== open && n !== newest) put(join(folder, 'job.json'), JSON.stringify(record));
      }
      utimesSync(folder, first / 1000, first / 1000 + n);
    }
    const report = await look(['registry']);
    expect(report.all('registry.journal').map(({ title }) => /job-\d+/.exec(title)?.[0])).toEqual(
      [newest, oldestRead, open].map(idOf),
    );
    expect(report.of('registry.jobs').title).toContain(`the newest 1000 and every open one of ${count}`);
  });
});

describe('clients', () => {
  const codexFile = (): string => join(lab.folder, '.codex', 'config.toml');
  const server = (command: string, more = ''): string =>
    put(codexFile(), `[mcp_servers.mam]\ncommand = ${JSON.stringify(command)}\n${more}`);

  test('each that is installed starts the server as its client would, and leaves nothing', async () => {
    const names = ['claude-code', 'codex', 'gemini', 'opencode'];
    for (const name of names) expect((await lab.mam('install', name)).code).toBe(0);
    await lab.mam('install', 'claude-code', '--project');
    const before = everything();
    // In a pane, where a server that is ready announces itself.
    const report = await doctor([], { env: { TMUX: `${join(socketFolder, 'x')},1,0`, TMUX_PANE: '%1' } });
    for (const name of names.slice(1)) expect(report.of(`client.${name}.server`).level).toBe('ok');
    expect(report.all('client.claude-code.server')).toHaveLength(1);
    // The project's file names only the command, which is not on the PATH here.
    expect(report.of('client.claude-code.program').title).toContain('it is not on the PATH');
    expect(report.of('client.codex.server').detail?.split(', ')).toEqual(tools.map(({ name }) => name));
    expect(everything()).toEqual(before);
    await until('all that it started is gone', () => lab.processes.length === 0);
    const alone = await doctor(['--client', 'codex']);
    expect(alone.findings.map(({ id }) => id)).toEqual(['client.codex.server']);
    expect((await lab.mam('install', 'codex', '--uninstall')).code).toBe(0);
    const none = (await doctor(['--client', 'codex'])).of('client.codex.absent');
    expect(none).toMatchObject(finding('note', { remedy: '`mam install codex`' }));
  });

  test('a program that is gone, a file that is not TOML, a disabled server', async () => {
    server(join(lab.folder, 'old', 'mam'));
    const gone = (await look(['client codex'])).of('client.codex.program');
    expect(gone).toMatchObject(finding('problem', { remedy: '`mam install codex`' }));
    server(process.execPath, `args = [${JSON.stringify(join(lab.folder, 'old.js'))}]\n`);
    expect((await look(['client codex'])).of('client.codex.program').title).toContain('js does not exist');
    server(process.execPath, 'enabled = false\n');
    expect((await look(['client codex'])).of('client.codex.enabled').level).toBe('note');
    put(codexFile(), '[mcp_servers.mam\n');
    expect((await look(['client codex'])).of('client.codex.file')).toMatchObject({ level: 'problem' });
    put(join(lab.project, '.mcp.json'), '{"mcpServers":{"mam":{"command":""}}}');
    expect((await look(['client claude-code'])).of('client.claude-code.file').level).toBe('problem');
  });

  test('what Codex does not pass on, and times that do not fit', async () => {
    server(
      process.execPath,
      `args = [${JSON.stringify(PROGRAM)}]\nenv_vars = ["TMUX"]\ntool_timeout_sec = 100\n`,
    );
    const report = await look(['client codex']);
    const [lost, pane] = report.all('client.codex.env_vars');
    expect(lost).toMatchObject({ level: 'problem' });
    expect(lost?.title).toContain('does not pass MAM_HOME, TMUX_TMPDIR on');
    expect(pane).toMatchObject(finding('note', { title: 'TMUX_PANE' }));
    expect(report.of('client.codex.timeout')).toMatchObject({ level: 'problem' });
    server(process.execPath, `args = [${JSON.stringify(PROGRAM)}]\n`);
    expect((await look(['client codex'])).of('client.codex.timeout').level).toBe('note');
  });

  test('a server of another version, with another name, that ends, and one that hangs', async () => {
    const script = join(lab.folder, 'fake.js');
    const heard = join(lab.folder, 'heard');
    const fake = (name: string, version: string): string =>
      put(
        script,
        `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
          const { id, method } = JSON.parse(line);
          const result = method === 'initialize' ? { serverInfo: { name: '${name}', version: '${version}' } } : { tools: [{ name: 'a' }] };
          require('node:fs').appendFileSync(${JSON.stringify(heard)}, method + ' ');
          console.log('noise');
          console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
        });`,
      );
    server(process.execPath, `args = [${JSON.stringify(script)}]\n`);
    fake('mam', '0.0.1');
    expect((await look(['client codex'])).of('client.codex.server')).toMatchObject({ level: 'note' });
    // Told that its client is ready, a server would announce itself as that of this pane.
    expect(readFileSync(heard, 'utf8')).toBe('initialize tools/list ');
    fake('other', '1.0.0');
    expect((await look(['client codex'])).of('client.codex.server').title).toContain('a different server');
    put(script, 'console.error("\\u001b[31mno such \\u0007thing"); process.exit(3);');
    const ended = (await look(['client codex'])).of('client.codex.server');
    expect(ended.title).toContain('ended with code 3 instead of answering. Its last output: no such thing');
    // With a child of its own that ignores the end of its parent.
    put(
      script,
      `process.on('SIGTERM', () => {}); require('node:child_process').spawn('sleep', ['300'], { stdio: 'ignore' }); setInterval(() => {}, 1000);`,
    );
    const hangs = (await look(['client codex'])).of('client.codex.server');
    expect(hangs).toMatchObject(finding('problem', { title: 'did not answer within 5 s' }));
    await until('all that it started is gone', () => lab.processes.length === 0);
  });

  test('SIGINT, SIGTERM and SIGHUP end what was started', async () => {
    const script = put(join(lab.folder, 'slow.sh'), `sleep 300 & touch "$1/started-$PPID"; sleep 300`);
    server('/bin/sh', `args = ${JSON.stringify([script, lab.folder])}\n`);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const running = signals.map(() => lab.start(['doctor', '--client', 'codex']));
    const endOnce = async ({ child }: RunningCommand, signal: NodeJS.Signals): Promise<void> => {
      await until('its server runs', () => existsSync(join(lab.folder, `started-${child.pid}`)));
      child.kill(signal);
    };
    await Promise.all(signals.map((signal, index) => endOnce(running[index] as RunningCommand, signal)));
    for (const { ended } of running) expect((await ended).code).toBeGreaterThan(128);
    await until('nothing is left', () => lab.processes.length === 0);
  });
});

test('is in the help, with an example', () => {
  const { stdout } = spawnSync(process.execPath, [PROGRAM, 'doctor', '--help'], { encoding: 'utf8' });
  expect(stdout).toContain('mam doctor --client codex');
});
