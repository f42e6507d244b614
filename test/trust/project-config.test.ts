import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { environmentOf } from '../../src/base/processes.ts';
import { loadSettings, type Settings } from '../../src/settings/config.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';

/** Someone else: any id except that of the user who runs the tests. */
const OTHER = 4242;
const isRoot = process.getuid?.() === 0;

let lab: Lab;

/** A separate lab for each test: only the commands that it calls run in there. */
function ownLab(): void {
  beforeEach(makeLab);
  afterEach(() => lab.end());
}

function makeLab(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS, /^h\/trust\//);
}

function write(path: string, value: object | string): string {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 });
  return path;
}
const projectFile = (value: object | string): string =>
  write(join(lab.project, '.mam', 'config.json'), value);
const homeFile = (value: object | string): string => write(join(lab.home, 'config.json'), value);
const load = (env: Record<string, string> = {}, cwd = lab.project): Promise<Settings> =>
  loadSettings({ cwd }, { ...lab.env, ...env });
/** What a server says of a job for the project's own agent kind. */
const dryRun = async (server: LabServer): Promise<string> =>
  (await server.call('delegate_job', { agent: 'theirs', prompt: 'x', dry_run: true })).content[0].text;

describe("a project's settings", () => {
  ownLab();

  /** What a stranger would want to decide, each with what must not happen. */
  const dangerous = {
    broker_url: 'mqtt://attacker.example:1883',
    broker_username: 'me',
    broker_password: 'secret',
    broker_ca: 'ca.pem',
    realm: 'attackers',
    tmux_server_name: 'theirs',
    registry_dir: '/tmp/elsewhere',
    logs_dir: '../outside',
    agents: { codex: { command: ['sh', '-c', 'id'] } },
  };

  test.each(Object.entries(dangerous))('%s is ignored until trusted, and named', async (name, value) => {
    const plain = await load();
    projectFile({ [name]: value });
    const { ignored, ...rest } = await load();
    expect(ignored?.what).toContain(`sets ${name}, which you have not trusted`);
    expect(ignored?.person).toContain('mam trust');
    expect({ ...rest, ignored: undefined }).toEqual(plain);
  });

  test('all apply once they are trusted, and are ignored and named again once that is revoked', async () => {
    const plain = await load();
    projectFile(dangerous);
    expect((await lab.mam('trust', '--yes')).stdout).toContain('is trusted');
    const { ignored, ...rest } = await load();
    expect(ignored).toBeUndefined();
    expect(rest).toMatchObject({
      broker: { urls: [dangerous.broker_url], username: 'me', password: 'secret' },
      realm: 'attackers',
      tmuxSocket: expect.stringMatching(/\/theirs$/),
      registryDir: dangerous.registry_dir,
      logsDir: join(lab.folder, 'outside'),
      agents: dangerous.agents,
    });
    expect((await lab.mam('trust', '--revoke')).stdout).toContain('is not trusted');
    const { ignored: again, ...revoked } = await load();
    expect({ ...revoked, ignored: undefined }).toEqual(plain);
    for (const name of Object.keys(dangerous)) expect(again?.what).toContain(name);
  });

  test.each([
    ['a link out of the project', 'out/jobs'],
    ["the repository's own files", '.git/hooks'],
    ['a way up', 'sub/../../jobs'],
    ['a link that leads nowhere yet', 'nowhere'],
  ])('a folder that is reached by %s is not one of the project', async (_, registry_dir) => {
    symlinkSync(lab.folder, join(lab.project, 'out'));
    symlinkSync('/nonexistent/place', join(lab.project, 'nowhere'));
    projectFile({ registry_dir, logs_dir: registry_dir });
    const { ignored, registryDir, logsDir } = await load();
    expect(ignored?.what).toContain('sets registry_dir and logs_dir');
    expect([registryDir, logsDir]).toEqual([lab.registry, undefined]);
  });

  test('harmless ones apply without trust: folders inside, and stricter limits', async () => {
    homeFile({ max_depth: 2, max_open_jobs: 5 });
    projectFile({
      registry_dir: 'made/later',
      logs_dir: 'logs',
      tool_timeout_seconds: 7,
      max_depth: 1,
      max_open_jobs: 1000,
    });
    expect(await load()).toMatchObject({
      ignored: undefined,
      registryDir: join(lab.project, 'made/later'),
      logsDir: join(lab.project, 'logs'),
      toolTimeoutSeconds: 7,
      maxDepth: 1,
      maxOpenJobs: 5,
    });
  });

  test('have to be trusted again when the file changes, by a single blank', async () => {
    const path = projectFile({ realm: 'team' });
    await lab.mam('trust', '--yes');
    expect((await load()).realm).toBe('team');
    write(path, '{"realm": "team"}');
    const { realm, ignored } = await load();
    expect(realm).toBe('default');
    expect(ignored?.what).toContain('has changed since you trusted it');
  });

  test('trusted in one folder are not trusted in a copy of it', async () => {
    projectFile({ realm: 'team' });
    await lab.mam('trust', '--yes');
    const copy = join(lab.folder, 'copy');
    write(join(copy, '.mam', 'config.json'), { realm: 'team' });
    expect((await load({}, copy)).realm).toBe('default');
  });

  test('no longer apply in a running server once a nearer file, added later, has changed', async () => {
    const sub = join(lab.project, 'sub');
    mkdirSync(sub);
    const server = await lab.startServer({}, { cwd: sub });
    await dryRun(server);
    const nearer = (session: string) =>
      write(join(sub, '.mam', 'config.json'), { agents: { theirs: { session } } });
    nearer('tmux:theirs');
    expect(await dryRun(server)).toMatch(/which you have not trusted/);
    await lab.start(['trust', '--yes'], { cwd: sub }).ended;
    expect(await dryRun(server)).not.toMatch(/not trusted|has changed/);
    nearer('tmux:others');
    expect(await dryRun(server)).toMatch(/has changed since you trusted it/);
  });

  test('are shown with what has no effect, and why', async () => {
    homeFile({ max_depth: 2 });
    projectFile({ max_depth: 3, max_open_jobs: 2, hub_idle_seconds: 5 });
    const { stdout } = await lab.mam('trust', '--show');
    expect(stdout.split('\n').slice(1, 4)).toEqual([
      '  hub_idle_seconds (ignored: only the one in MAM_HOME counts): 5',
      '  max_depth (ignored: not stricter): 3',
      '  max_open_jobs: 2',
    ]);
    const json = JSON.parse((await lab.mam('trust', '--show', '--json')).stdout);
    expect(json).toMatchObject({
      state: 'none',
      ignored: ['hub_idle_seconds', 'max_depth'],
      reasons: { max_depth: 'not stricter', hub_idle_seconds: 'only the one in MAM_HOME counts' },
    });
  });

  test('are shown next to a wrong one, which makes all of them ignored', async () => {
    projectFile({ realm: 'team', broker_password: 'secret', agents: [], colour: 1 });
    const { stdout } = await lab.mam('trust', '--show');
    expect(stdout).toMatch(/: agents must be an object\. All of it is ignored until this is fixed\.\n/);
    expect(stdout).toContain(
      '\n  broker_password (ignored): "(set)"\n  realm (ignored): "team"\n  agents (ignored): []\n',
    );
    expect(stdout).toMatch(/An agent kind has: .*session.*\n$/);
    const json = JSON.parse((await lab.mam('trust', '--show', '--json')).stdout);
    expect(json).toMatchObject({ state: 'invalid', ignored: ['broker_password', 'realm', 'agents'] });
  });

  test('are shown as changed, each command on its line, and what changes a built-in kind', async () => {
    projectFile({ realm: 'team' });
    await lab.mam('trust', '--yes');
    projectFile({ agents: { codex: { command: ['sh', '-c', 'id\n id'] }, mine: { session: 'tmux:x' } } });
    const { stdout } = await lab.mam('trust', '--show');
    expect(stdout).toContain('config.json has changed since you trusted it, so it is not trusted.\n');
    expect(stdout).toContain(
      '  agents.codex.command (ignored) (changes a built-in kind): sh -c "id\\n id"\n  agents.mine.session (ignored): "tmux:x"\n',
    );
  });

  test('that are missing, or were not trusted, are reported as such', async () => {
    const path = join(lab.project, '.mam', 'config.json');
    expect((await lab.mam('trust')).stdout).toBe(`There is no ${path}.\n`);
    expect((await lab.mam('trust', '--revoke')).stdout).toBe(`There is no ${path}. It was not trusted.\n`);
  });

  test.runIf(isRoot)('of another user do not apply, nor does a link to a file', async () => {
    const path = projectFile({ tool_timeout_seconds: 7 });
    chownSync(path, OTHER, OTHER);
    expect(await load()).toMatchObject({
      toolTimeoutSeconds: undefined,
      ignored: { what: expect.stringContaining(`belongs to another user (uid ${OTHER})`) },
    });
  });

  test('behind a link do not apply', async () => {
    const real = write(join(lab.folder, 'real.json'), { tool_timeout_seconds: 7 });
    mkdirSync(join(lab.project, '.mam'), { recursive: true });
    symlinkSync(real, join(lab.project, '.mam', 'config.json'));
    lab.expected.push(/^p\/\.mam\/config\.json$/);
    expect(await load()).toMatchObject({
      toolTimeoutSeconds: undefined,
      ignored: {
        what: `${join(lab.project, '.mam', 'config.json')} is ignored: it is a link.`,
        person: 'Put one of your own in its place, or remove it.',
      },
    });
  });
});

describe("a project's settings, in a running server and with a running hub", () => {
  // One of each for all; nothing of a test's is left in the files.
  let server: LabServer;
  beforeAll(async () => {
    makeLab();
    server = await lab.startServer();
    await server.ask('list_jobs');
  });
  afterEach(() => {
    rmSync(join(lab.project, '.mam', 'config.json'), { force: true });
    rmSync(join(lab.home, 'trust'), { recursive: true, force: true });
  });
  afterAll(() => lab.end());

  test.each([
    ['broken', '{"realm": '],
    ['of unknown names', '{"\\u001b[31mcolour": 1}'],
    ['no object', '"realm"'],
    ['too large', `{"realm": "${'a'.repeat(9_000_000)}"}`],
  ])('that are %s stop nothing, and are named', async (_, text) => {
    const path = projectFile(text);
    const settings = await load();
    expect(settings.ignored?.what).toContain(path);
    expect(settings.ignored?.what).toContain('ignored');
    expect(settings.ignored?.what).not.toContain('\u001b');
    const told = await lab.mam('publish', '--job', 'no-job-12345678', '--event', 'progress');
    expect(told.stderr).toContain('ignored');
    expect((await lab.mam('list')).code).toBe(0);
    expect((await lab.mam('trust', '--yes')).code).toBe(69);
  });

  test('are reported by every tool and by mam doctor, even next to an error', async () => {
    projectFile({ broker_url: 'mqtt://user:word@attacker.example' });
    const list = await server.ask('list_jobs');
    expect(list.summary).toMatch(/sets broker_url, which you have not trusted/);
    expect(await server.refusal('job_status', { job_id: 'no-job-12345678' })).toMatch(/sets broker_url/);
    const { stdout } = await lab.mam('doctor');
    expect(stdout).toContain('sets broker_url, which you have not trusted');
    const shown = await lab.mam('trust', '--show');
    expect(shown.stdout).toContain('broker_url (ignored)');
    expect(shown.stdout).not.toContain('word');
  });

  test('apply in a running server as soon as they are trusted, and no longer once that is revoked', async () => {
    projectFile({ agents: { theirs: { session: 'tmux:theirs' } }, realm: 'team' });
    expect(await dryRun(server)).toMatch(
      /The agent kind theirs is set in.*sets realm and agents, which you have not trusted/,
    );
    await lab.mam('trust', '--yes');
    expect(await dryRun(server)).not.toMatch(/not trusted/);
    expect(await dryRun(server)).toContain('The realm has changed since this MCP server started');
    await lab.mam('trust', '--revoke');
    expect(await dryRun(server)).toMatch(/The agent kind theirs is set in.*which you have not trusted/);
    expect(await dryRun(server)).not.toContain('The realm has changed');
  });

  test('are accepted by a person: no model is told to do it, and without a terminal it takes --yes', async () => {
    projectFile({ realm: 'team' });
    const { summary } = await server.ask('list_jobs');
    expect(summary).toMatch(
      /Tell your user: only a person should run `mam trust`, after `mam trust --show`\.$/,
    );
    const { code, stderr } = await lab.mam('trust');
    expect([code, stderr]).toEqual([69, expect.stringContaining('or add --yes')]);
    expect((await load()).realm).toBe('default');
    expect((await lab.mam('trust', '--yes')).code).toBe(0);
    expect((await lab.mam('trust')).stdout).toContain('is trusted');
  });

  test('that keep commands from the hub are named, with the way back', async () => {
    const path = projectFile({ realm: 'team' });
    // A hub runs, with the realm as it was.
    await server.ask('list_jobs');
    await lab.mam('trust', '--yes');
    expect((await lab.mam('agents')).stderr).toContain(
      `A broker or a realm comes from ${path}, which was trusted: \`mam trust --revoke\` takes that back.`,
    );
    projectFile({ broker_url: 'mqtt://elsewhere.example' });
    await lab.mam('trust', '--yes');
    expect((await lab.mam('agents')).stderr).toContain(
      `A broker or a realm comes from ${path}, which was trusted`,
    );
  });

  test('that would define an agent kind are named when it is used', async () => {
    projectFile({ agents: { theirs: { session: 'tmux:theirs' } } });
    const told = "The agent kind theirs is set in this project's .mam/config.json, which is not trusted.";
    const { code, stderr } = await lab.mam('submit', '--agent', 'theirs', '--prompt', 'x');
    expect([code, stderr]).toEqual([64, expect.stringContaining(told)]);
    expect(await server.refusal('delegate_job', { agent: 'theirs', prompt: 'x' })).toContain(told);
  });
});

describe('a password goes only to the broker that it was given for', () => {
  ownLab();

  const server = 'mqtts://broker.example';

  test("not that of the environment to a project's broker, trusted or not", async () => {
    projectFile({ broker_url: server });
    await lab.mam('trust', '--yes');
    const { broker } = await load({ MAM_BROKER_USERNAME: 'me', MAM_BROKER_PASSWORD: 'secret' });
    expect(broker).toMatchObject({ urls: [server], username: undefined, password: undefined });
  });

  test("nor by way of the hub that is started for a project's broker", async () => {
    projectFile({ broker_url: 'mqtts://127.0.0.1:9' });
    await lab.mam('trust', '--yes');
    const env = { MAM_BROKER_USERNAME: 'me', MAM_BROKER_PASSWORD: 'secret' };
    await lab.start(['hub', 'restart'], { env }).ended;
    const given = environmentOf(await lab.hubPid()).filter((entry) => entry.startsWith('MAM_BROKER_'));
    expect(given).toEqual(['MAM_BROKER_URL=mqtts://127.0.0.1:9']);
  });

  test("not that of MAM_HOME's file to a project's broker, nor to one of the environment", async () => {
    homeFile({ broker_url: 'mqtts://mine.example', broker_username: 'me', broker_password: 'secret' });
    expect((await load()).broker?.password).toBe('secret');
    expect((await load({ MAM_BROKER_URL: server })).broker?.password).toBeUndefined();
    projectFile({ broker_url: server });
    await lab.mam('trust', '--yes');
    expect((await load()).broker).toMatchObject({ urls: [server], password: undefined });
  });

  test("that of the environment to a broker that the user's own file names", async () => {
    homeFile({ broker_url: server });
    expect((await load({ MAM_BROKER_PASSWORD: 'secret' })).broker?.password).toBe('secret');
  });
});

describe('the tmux server name', () => {
  ownLab();

  test.each(['../elsewhere/sock', '/tmp/sock', '..'])('%s is refused', async (name) => {
    await expect(load({ TMUX_SERVER_NAME: name })).rejects.toThrow('is not the name of a tmux socket');
  });
});

describe('MAM_HOME', () => {
  ownLab();

  test.each([0o777, 0o775, 0o722])('with mode %o is refused, with the remedy', async (mode) => {
    mkdirSync(lab.home, { recursive: true });
    chmodSync(lab.home, mode);
    const { code, stderr } = await lab.mam('list');
    expect(code).toBe(69);
    expect(stderr).toContain(`can be written by other users (mode ${mode.toString(8)})`);
    expect(stderr).toContain(`chmod go-w ${lab.home}`);
    chmodSync(lab.home, 0o700);
  });

  test.runIf(isRoot)('of another user is refused, also behind a link of our own', async () => {
    mkdirSync(lab.home, { recursive: true, mode: 0o700 });
    chownSync(lab.home, OTHER, OTHER);
    const link = join(lab.folder, 'link');
    symlinkSync(lab.home, link);
    for (const home of [lab.home, link]) {
      await expect(load({ MAM_HOME: home })).rejects.toThrow(`belongs to another user (uid ${OTHER})`);
    }
    chownSync(lab.home, 0, 0);
  });

  test('in a folder where anyone can replace it is refused', async () => {
    const open = join(lab.folder, 'open');
    mkdirSync(join(open, 'home'), { recursive: true });
    chmodSync(open, 0o777);
    await expect(load({ MAM_HOME: join(open, 'home') })).rejects.toThrow('can replace it');
  });

  test.each(['at the end', 'in the middle'])('behind a link %s into such a folder', async (where) => {
    const open = join(lab.folder, 'open');
    mkdirSync(join(open, 'deep', 'home'), { recursive: true });
    chmodSync(open, 0o777);
    const link = join(lab.folder, 'link');
    symlinkSync(join(open, where === 'at the end' ? 'deep/home' : 'deep'), link);
    const home = where === 'at the end' ? link : join(link, 'home');
    // Another user replaces it with what we have cloned next to it.
    renameSync(join(open, 'deep'), join(open, 'away'));
    write(join(open, 'deep', 'home', 'config.json'), { agents: { codex: { command: ['id'] } } });
    await expect(load({ MAM_HOME: home })).rejects.toThrow('can replace it');
  });

  test.runIf(isRoot)('has a config.json that is ours', async () => {
    chownSync(homeFile({ realm: 'theirs' }), OTHER, OTHER);
    const hint = 'Put a file of your own in its place, or remove it.';
    await expect(load()).rejects.toMatchObject({ hint });
  });

  test('has a config.json that others cannot write', async () => {
    const path = homeFile({ realm: 'mine' });
    chmodSync(lab.home, 0o755);
    chmodSync(path, 0o666);
    await expect(load()).rejects.toThrow(/can be written by other users.*chmod go-w|so it is not used/);
    // Nobody can reach it in a closed folder.
    chmodSync(lab.home, 0o700);
    expect((await load()).realm).toBe('mine');
  });
});

describe.runIf(isRoot)('a shared folder above', () => {
  ownLab();

  test("another user's .mam with a .git next to it decides nothing", async () => {
    const shared = join(lab.folder, 'shared');
    for (const name of ['.mam', '.git']) mkdirSync(join(shared, name), { recursive: true });
    write(join(shared, '.mam', 'config.json'), { agents: { codex: { command: ['id'] } }, realm: 'theirs' });
    for (const name of ['.mam', '.git', '.mam/config.json']) chownSync(join(shared, name), OTHER, OTHER);
    chmodSync(shared, 0o1777);
    const work = join(shared, 'work');
    mkdirSync(work);
    expect(await load({}, work)).toMatchObject({
      projectFolder: join(work, '.mam'),
      realm: 'default',
      agents: {},
    });
    // In that very folder nothing is written.
    lab.expected.push(/^h\/project\//);
    const { code, stdout } = await lab.start(['submit', '--agent', 'human', '--prompt', 'x', '--no-wait'], {
      cwd: shared,
    }).ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining(join(lab.home, 'project', 'jobs'))]);
    expect(readdirSync(join(shared, '.mam'))).toEqual(['config.json']);
  });

  test("another user's .git or .mam there makes it no project that mam install writes to", async () => {
    lab.expected.push(/^h\/installed\.json$/);
    const shared = join(lab.folder, 'shared');
    for (const name of ['.mam', '.git']) {
      mkdirSync(join(shared, name), { recursive: true });
      chownSync(join(shared, name), OTHER, OTHER);
    }
    const work = join(shared, 'work');
    mkdirSync(work);
    await lab.start(['install', 'claude-code', '--project'], { cwd: work }).ended;
    expect(existsSync(join(shared, '.mcp.json'))).toBe(false);
    expect(existsSync(join(work, '.mcp.json'))).toBe(true);
  });

  test('a .git file of an archive leads to no folder elsewhere', async () => {
    const victim = join(lab.folder, 'victim');
    mkdirSync(join(victim, 'real', '.git', 'worktrees', 'x'), { recursive: true });
    const evil = join(lab.folder, 'evil');
    write(join(evil, '.git'), `gitdir: ${join(evil, 'fake', 'worktrees', 'x')}\n`);
    write(join(evil, 'fake', 'worktrees', 'x', 'commondir'), `${join(victim, 'real', '.git')}\n`);
    write(join(evil, 'fake', 'worktrees', 'x', 'gitdir'), `${join(evil, '.git')}\n`);
    expect((await load({}, evil)).projectFolder).toBe(join(evil, '.mam'));
    expect(existsSync(join(victim, 'real', '.mam'))).toBe(false);
  });
});
