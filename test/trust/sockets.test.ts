import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hubSocketPath, shortFolder } from '../../src/settings/hub-place.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { until } from '../support/until.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

let lab: Lab;
let listening: Server | undefined;
/** What somebody has said to a socket that is not the user's. */
let heard = 0;

function makeLab(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
  chmodSync(lab.folder, 0o711);
}

beforeEach(() => {
  heard = 0;
});

async function stopListening(): Promise<void> {
  await new Promise((done) => (listening === undefined ? done(0) : listening.close(done)));
  listening = undefined;
}

/** A lab of its own for each test. */
function ownLab(): void {
  beforeEach(makeLab);
  afterEach(async () => {
    await stopListening();
    await lab.end();
  });
}

/** Somebody else's server at a place where this user's would be. */
async function listenAt(path: string): Promise<void> {
  listening = createServer((socket) => {
    heard++;
    socket.on('error', () => {});
    socket.end();
  });
  await new Promise<void>((done) => listening?.listen(path, done));
}

/** A home whose path is too long for a socket, and the short folder that it gets. */
function deepHome(env: Record<string, string> = {}): { home: string; short: string } {
  const home = join(lab.folder, 'deep'.repeat(10), 'deeper'.repeat(10));
  const short = shortFolder(home, env['XDG_RUNTIME_DIR']);
  lab.onEnd(() => rmSync(short, { recursive: true, force: true }));
  return { home, short };
}

describe.runIf(isRoot)("a hub's socket", () => {
  ownLab();

  test('of another user in the home is not spoken to, by no command, server or hook', async () => {
    mkdirSync(lab.home, { mode: 0o700 });
    const socket = join(lab.home, 'hub.sock');
    await listenAt(socket);
    chownSync(socket, NOBODY, NOBODY);
    // The report is kept for a hub that is ours.
    lab.expected.push(/^h\/outbox\/[\w.-]+\.json$/);
    const words = `The socket ${socket} belongs to another user (uid ${NOBODY}).`;
    const list = await lab.mam('list');
    const publish = await lab.mam('publish', '--job', 'any-12345678', '--event', 'progress');
    const server = await lab.startServer();
    expect(await server.refusal('list_jobs')).toContain(words);
    for (const command of [['wait'], ['hub', 'status'], ['doctor']]) {
      const { stdout, stderr } = await lab.mam(...command);
      expect(stdout + stderr, command.join(' ')).toContain(words);
    }
    await lab.start(['hook', 'claude-code', 'Stop'], { input: '{"hook_event_name":"Stop"}' }).ended;
    expect(list.stderr + list.stdout).not.toContain('    at ');
    expect(publish.stderr).toContain(words);
    expect(heard).toBe(0);
    rmSync(socket);
  });

  test('in the short folder of another user is not spoken to, and no hub is started there', async () => {
    const { home, short } = deepHome();
    mkdirSync(short, { mode: 0o777 });
    chownSync(short, NOBODY, NOBODY);
    await listenAt(join(short, 'hub.sock'));
    const { stderr, code } = await lab.start(['wait'], { env: { MAM_HOME: home } }).ended;
    expect(stderr).toContain(`The folder ${short} belongs to another user`);
    expect(code).toBe(69);
    expect(heard).toBe(0);
  });

  test.each([
    ['is a link of another user', true],
    ['can be written by other users', false],
  ])('in a short folder that %s is not spoken to', async (why, linked) => {
    const { home, short } = deepHome();
    const target = linked ? join(lab.folder, 'target') : short;
    mkdirSync(target, { mode: 0o700 });
    if (linked) {
      symlinkSync(target, short);
      execFileSync('chown', ['-h', `${NOBODY}:${NOBODY}`, short]);
    } else chmodSync(short, 0o770);
    await listenAt(join(target, 'hub.sock'));
    const { stderr } = await lab.start(['wait'], { env: { MAM_HOME: home } }).ended;
    expect(stderr).toContain(`The folder ${short} ${why}`);
    expect(heard).toBe(0);
  });
});

describe("the place of a hub's socket", () => {
  ownLab();

  test("a home that is too deep has its socket in the user's runtime folder, which all find", async () => {
    const runtime = join(lab.folder, 'run');
    mkdirSync(runtime, { mode: 0o700 });
    const { home, short } = deepHome({ XDG_RUNTIME_DIR: runtime });
    lab.homes.push(home);
    expect(short.startsWith(runtime)).toBe(true);
    await lab.start(['hub', 'restart'], { env: { MAM_HOME: home, XDG_RUNTIME_DIR: runtime } }).ended;
    const { socket, pid } = lab.hub(home);
    expect(socket).toBe(join(short, 'hub.sock'));
    expect(lstatSync(short).mode & 0o777).toBe(0o700);
    // One that was told of no runtime folder.
    const seen = await lab.start(['hub', 'status', '--json'], { env: { MAM_HOME: home } }).ended;
    expect(JSON.parse(seen.stdout)).toMatchObject({ pid });
    await lab.start(['hub', 'stop'], { env: { MAM_HOME: home } }).ended;
    await until('it has ended', () => !existsSync(socket));
    expect(hubSocketPath(home)).not.toBe(socket);
  });

  test('a runtime folder that others can write is not used', () => {
    const runtime = join(lab.folder, 'run');
    mkdirSync(runtime);
    chmodSync(runtime, 0o777);
    expect(deepHome({ XDG_RUNTIME_DIR: runtime }).short.startsWith(runtime)).toBe(false);
  });

  test.runIf(isRoot)('a home in a folder of another user, who can replace it, is not obeyed', async () => {
    const theirs = join(lab.folder, 'theirs');
    const home = join(theirs, 'home');
    mkdirSync(home, { recursive: true, mode: 0o700 });
    chownSync(theirs, 4242, 4242);
    const { code, stderr } = await lab.start(['list'], { env: { MAM_HOME: home } }).ended;
    expect(stderr).toContain(`is in ${theirs}, where another user (uid 4242) can replace it`);
    expect(code).not.toBe(0);
  });
});

describe.runIf(isRoot)("tmux's socket", () => {
  const uid = process.getuid?.() ?? 0;
  let server: LabServer;
  let folder: string;
  beforeAll(async () => {
    makeLab();
    folder = join(lab.folder, `tmux-${uid}`);
    server = await lab.startServer();
  });
  beforeEach(() => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  afterEach(async () => {
    await stopListening();
    for (const path of [folder, `${folder}-real`]) rmSync(path, { recursive: true, force: true });
  });
  afterAll(() => lab.end());

  test.each([
    ['its folder', (folder: string) => chownSync(folder, NOBODY, NOBODY)],
    ['the socket', (folder: string) => chownSync(join(folder, 'default'), NOBODY, NOBODY)],
    ['a folder that others can write', (folder: string) => chmodSync(folder, 0o777)],
    [
      'a link of another user',
      (folder: string) => {
        execFileSync('mv', [folder, `${folder}-real`]);
        symlinkSync(`${folder}-real`, folder);
        execFileSync('chown', ['-h', `${NOBODY}:${NOBODY}`, folder]);
      },
    ],
  ])("that is not the user's is not spoken to: %s", async (_what, spoil) => {
    await listenAt(join(folder, 'default'));
    spoil(folder);
    const args = { prompt: 'The task', agent: 'command', agent_session: 'tmux:worker' };
    expect(await server.refusal('delegate_job', args)).toMatch(/tmux socket|The socket/);
    expect(await server.refusal('start_agent', { agent: 'claude-code' })).not.toContain('unexpected');
    for (const command of [['agents'], ['attach', 'worker']])
      expect((await lab.mam(...command)).code, command.join(' ')).not.toBe(0);
    expect((await lab.mam('doctor')).stdout).toMatch(/tmux cannot talk to the server/);
    expect(heard).toBe(0);
  });
});
