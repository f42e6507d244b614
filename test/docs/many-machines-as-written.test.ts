import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Daemon } from '../support/hosts/daemon.ts';
import { fakeSsh } from '../support/hosts/fake-ssh.ts';
import type { HostLab } from '../support/hosts/host-lab.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { NO_MOSQUITTO } from '../support/hosts/mosquitto.ts';
import { BROKER_HOST } from '../support/hosts/network.ts';
import { fillIn } from '../support/hosts/passwords.ts';
import { NO_SSHD, Sshd } from '../support/hosts/sshd.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { blocks, lineWith, ROOT, read } from './markdown.ts';
import { FAKE } from './written.ts';

const PAGE = 'docs/many-machines.md';
const [OVER_SSH, DELEGATES, WORKS] = blocks(read(PAGE))
  .filter(({ language }) => language === 'json')
  .map(({ text }) => text);

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** Types the one line of the page that holds all these words, on a host. @throws unless it ends with 0 */
async function type(lab: HostLab, ...words: string[]): Promise<string> {
  return typed(lab, lineWith(PAGE, ...words));
}

async function typed(lab: HostLab, line: string): Promise<string> {
  const there = line.replaceAll('/srv/shop', world.lab('hostb').project);
  const { code, stdout, stderr } = await lab.run('bash', ['-c', there]);
  if (code !== 0) throw new Error(`${there}: ${stdout}${stderr}`);
  return stdout;
}

/** hostb has a program `codex`, which the fake peer plays. */
async function installCodex(): Promise<void> {
  const lab = world.lab('hostb');
  const words = [
    process.execPath,
    `${ROOT}/test/peers/peer.mjs`,
    '--log',
    join(lab.folder, 'peer-codex.log'),
  ];
  lab.install('codex', `exec ${[...words, '--mam', PROGRAM].map((word) => `'${word}'`).join(' ')}`);
  lab.expected.push(/^peer-codex\.log$/);
  lab.sessions.add('codex');
  await lab.startSession('keeper', 'exec sleep 1000');
}

/** The check in the project's folder on hostb. */
function writeCheck(): void {
  world.lab('hostb').write('check.sh', '#!/bin/sh\necho checked\n', 0o755);
}

test('over ssh, the commands work in their order', async (context) => {
  context.skip(NO_SSHD !== undefined, NO_SSHD);
  world = await hosts(['hosta', 'hostb']);
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  await installCodex();
  writeCheck();
  b.configure({ agents: { codex: FAKE } });
  const sshd = await Sshd.start(world, 'hostb');
  await sshd.letIn('hosta');
  a.configure(OVER_SSH ?? '');

  expect(await type(a, 'ssh', 'mam --version')).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  expect(await type(a, 'mam hosts check')).toMatch(/\nhostb can be asked\.\n$/);
  // The fake peer takes no task from its command line, so it must be there before.
  expect(await type(a, 'mam start', '--host')).toContain('tmux:codex@hostb');
  const submitted = await type(a, 'mam submit', '--start');
  expect(submitted).toMatch(/^registered job: \w{8}-fix-the-login-test\n/);
  expect(submitted).toContain('\nvalidation: PASS\n');

  expect(await typed(a, 'mam hosts')).toMatch(/^hostb\tonline\t/);
  expect(await type(a, 'mam agents', '--host')).toMatch(/^codex\ttmux:codex/);
  await type(a, 'mam submit', 'tmux:codex@hostb');
  await until(
    'both are done',
    async () =>
      (await type(a, 'mam list', '--host')).split('\n').filter((row) => row.includes('\tcompleted'))
        .length === 2,
  );
  await until('the copy is whole', async () => /search.*\tcompleted/.test(await typed(a, 'mam list')));
  expect((await b.mam('list')).stdout).toContain('hosta');
  expect(await type(a, 'mam stop')).toContain('ended: tmux:codex@hostb');
});

test('a mam that is not on the PATH there is called as the page says', async () => {
  world = await hosts(['hosta', 'hostb']);
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  fakeSsh(world, 'hosta', 'hostb', '/usr/bin:/bin');
  a.configure(OVER_SSH ?? '');
  const lost = await a.mam('hosts', 'check', 'hostb');
  expect(lost.code).toBe(69);
  expect(lost.stdout).toContain('mam was not found on hostb');
  const [told = ''] = /\{ "ssh": "hostb", "mam": "[^"]+" \}/.exec(read(PAGE)) ?? [];
  a.configure({ hosts: { hostb: JSON.parse(told.replace('/opt/node/bin', b.bin)) } });
  await until('hostb can be asked', async () => (await a.mam('hosts', 'check', 'hostb')).code === 0);
});

/** A file of the page, at its place below a folder instead of `/etc`. */
function brokerFiles(folder: string, first: string, change: (text: string) => string): void {
  const block = blocks(read(PAGE)).find(({ text }) => text.startsWith(`# ${first}\n`));
  for (const [, file = '', text = ''] of (block?.text ?? '').matchAll(
    /^# (\/etc\/\S+)\n([\s\S]*?)(?=\n# \/etc\/|$(?![\s\S]))/gm,
  )) {
    const path = file.replace(/^\/etc/, folder);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, fillIn(change(text.replaceAll('/etc/', `${folder}/`))));
  }
}

/** Mosquitto with the files and the certificates of the page. */
async function mosquitto(way: 'password' | 'certificate') {
  const port = await freePort();
  const etc = join(world.folder, 'etc');
  const address = world.net.address(BROKER_HOST);
  const making = join(world.folder, 'ca');
  mkdirSync(making);
  // The broker is known by its address in here, and each host by its name.
  const make = async (...words: string[]) => {
    const line = lineWith(PAGE, ...words).replace('DNS:broker.lan', `IP:${address},IP:127.0.0.1`);
    for (const host of words.includes('hosta') ? ['hosta', 'hostb'] : [''])
      await typed(world.lab('hosta'), `cd '${making}' && ${line.replaceAll('hosta', host || 'hosta')}`);
  };
  await make('openssl req', '-x509');
  await make('openssl req', 'server.csr');
  await make('printf', 'server.ext');
  await make('openssl x509', 'server.csr');
  if (way === 'certificate') {
    await make('openssl req', 'hosta');
    await make('printf', 'hosta');
    await make('openssl x509', 'hosta');
  }
  brokerFiles(etc, '/etc/mosquitto/conf.d/mam.conf', (text) => {
    const there = text.replace('listener 8883', `listener ${port}`);
    if (way === 'password') return there;
    const without = there.replace(/^password_file .*\n/m, '');
    return without.replaceAll(/^# (cafile|require_certificate|use_identity_as_username) /gm, '$1 ');
  });
  const folder = join(etc, 'mosquitto/mam');
  for (const name of ['server.pem', 'server.key', 'ca.pem'])
    copyFileSync(join(making, name), join(folder, name));
  if (way === 'password')
    await typed(
      world.lab('hosta'),
      lineWith(PAGE, 'mosquitto_passwd -U').replace('/etc/mosquitto/mam', folder),
    );
  const config = join(etc, 'mosquitto/mosquitto.conf');
  const user = process.getuid?.() === 0 ? 'user root\n' : '';
  writeFileSync(config, `${user}log_dest stderr\ninclude_dir ${join(etc, 'mosquitto/conf.d')}\n`);
  const daemon = new Daemon(world, {
    host: BROKER_HOST,
    name: 'mosquitto',
    words: ['mosquitto', '-c', config],
    isReady: () => world.net.listens(BROKER_HOST, port),
  });
  await daemon.start();
  return { daemon, port, folder, making };
}

/** Writes a host's config.json of the page. */
async function configure(
  host: string,
  text: string,
  { port, making }: { port: number; making: string },
  way: 'password' | 'certificate',
): Promise<void> {
  const lab = world.lab(host);
  const at = await world.reach(host, BROKER_HOST, port);
  const config = JSON.parse(
    fillIn(text)
      .replace('broker.lan:8883', `${at.address}:${at.port}`)
      .replaceAll('/srv/shop', world.lab('hostb').project),
  );
  mkdirSync(lab.home, { recursive: true, mode: 0o700 });
  lab.expected.push(/\.(pem|key)$/);
  const own = way === 'certificate' ? [`${host}.pem`, `${host}.key`] : [];
  for (const name of ['ca.pem', ...own]) copyFileSync(join(making, name), join(lab.home, name));
  if (way === 'certificate') {
    const { broker_username: _, broker_password: __, ...rest } = config;
    const [cert, key] =
      /"(broker_cert)": "hosta\.pem", "(broker_key)": "hosta\.key"/.exec(read(PAGE))?.slice(1) ?? [];
    lab.configure({ ...rest, [cert ?? '']: `${host}.pem`, [key ?? '']: `${host}.key` });
  } else lab.configure(config);
  chmodSync(join(lab.home, 'config.json'), 0o600);
}

test.each(['password', 'certificate'] as const)(
  'over Mosquitto with a %s, the files, certificates and configurations work',
  async (way) => {
    expect(NO_MOSQUITTO).toBe(undefined);
    world = await hosts(['hosta', 'hostb', 'hostc']);
    const [a, b] = [world.lab('hosta'), world.lab('hostb')];
    const broker = await mosquitto(way);
    writeCheck();
    await b.startPeer('good', { session: 'codex' });
    await configure('hosta', DELEGATES ?? '', broker, way);
    await configure('hostb', WORKS ?? '', broker, way);
    const config = join(b.home, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), agents: { codex: FAKE } }),
    );
    for (const lab of [a, b]) await type(lab, 'mam hub restart');
    await until('hosta sees hostb', async () => /^hostb\tonline/.test(await typed(a, 'mam hosts')));
    expect(await type(a, 'mam hosts check')).toMatch(/\nhostb can be asked\.\n$/);
    const submitted = await type(a, 'mam submit', '--start');
    expect(submitted).toContain('\nvalidation: PASS\n');
    const [, ended = ''] = /^registered job: (\S+)/.exec(submitted) ?? [];
    // One that has ended is not given up.
    expect((await a.mam('cancel', ended, '--forget')).stdout).toBe(
      `Job ${ended} was already completed; nothing changed.\n`,
    );
    await b.tmux('kill-session', '-t', '=codex');
    // This one never ends its job.
    await b.startPeer('mute', { session: 'codex' });
    const open =
      (await type(a, 'mam submit', 'tmux:codex@hostb')).match(/\w{8}-fix-the-search-test/)?.[0] ?? '';

    await b.mam('hub', 'stop');
    await until('hostb is away', async () => /^hostb\toffline/.test(await typed(a, 'mam hosts')));
    await typed(a, lineWith(PAGE, 'mam cancel', '--forget').replace('JOB_ID', open));
    expect(await a.json('status', open)).toMatchObject({
      status: 'working',
      reason: 'lost',
      home: { state: 'lost' },
    });
    if (way === 'certificate') return;
    const added = lineWith(PAGE, 'mosquitto_passwd -b').replace('/etc/mosquitto/mam', broker.folder);
    await typed(a, fillIn(added));
    process.kill(broker.daemon.pid, 'SIGHUP');
    const third = (DELEGATES ?? '').replaceAll('hosta', 'hostc');
    await configure('hostc', third, broker, way);
    const c = world.lab('hostc');
    await type(c, 'mam hub restart');
    await until(
      'hostc has joined',
      async () => (await c.json('hub', 'status'))['mesh']?.broker?.senders === 'proven',
    );
  },
);

test('what is left is printed and installed as the page says', async () => {
  world = await hosts(['hosta', 'hostb']);
  const a = world.lab('hosta');
  expect(await type(a, 'mam hosts acl')).toContain('# /etc/mosquitto/mam/passwords\n');
  expect(await type(a, 'openssl rand')).toMatch(/^[0-9a-f]{32}\n$/);
  const log = join(a.bin, 'systemctl.log');
  a.install('systemctl', `echo "$*" >> '${log}'`);
  a.expected.push(/^\.config\//);
  await type(a, 'mam hub install');
  expect(readFileSync(log, 'utf8')).toMatch(/--user restart mam-hub\S*\.service\n$/);
});
