import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings, type Settings } from '../../src/settings/config.ts';
import { findProjectFolder } from '../../src/settings/project.ts';
import { allTexts } from '../support/all-texts.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import type { Peer } from '../support/peer.ts';
import { until } from '../support/until.ts';

let lab: Lab;
function makeLab(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS, /^h\/trust\//);
}

/** A lab of its own for each test. */
function ownLab(): void {
  beforeEach(makeLab);
  afterEach(() => lab.end());
}

function write(path: string, value: object | string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
}

const projectFile = (value: object | string): void => write(join(lab.project, '.mam', 'config.json'), value);
const homeFile = (value: object | string): void => write(join(lab.home, 'config.json'), value);

function load(
  env: Record<string, string> = {},
  flags: Parameters<typeof loadSettings>[0] = {},
): Promise<Settings> {
  return loadSettings({ cwd: lab.project, ...flags }, { ...lab.env, ...env });
}

describe('what is in the way', () => {
  ownLab();

  test.each(['project', 'home'])('a pipe as the config.json of the %s blocks nothing', async (where) => {
    const folder = where === 'home' ? lab.home : join(lab.project, '.mam');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'config.json');
    execFileSync('mkfifo', [path]);
    lab.expected.push(/(^h|\.mam)\/config\.json$/);
    const { code, stderr } = await lab.mam('list');
    expect(code).toBe(0);
    // A project's file is named even if it can't be read.
    expect(stderr).toBe(
      where === 'home'
        ? ''
        : `mam: ${path} is ignored: it is not a plain file. Put a plain file in its place, or remove it.\n`,
    );
    expect((await lab.mam('doctor')).stdout).toContain('it is not a plain file');
  });

  test('a relative tmux folder is relative to the working directory, for the hub too', async () => {
    const { tmuxSocket } = await load({ TMUX_TMPDIR: 'here', TMUX: '' });
    expect(tmuxSocket).toBe(resolve('here', `tmux-${process.getuid?.()}`, 'default'));
  });
});

describe('precedence', () => {
  ownLab();

  test('flag, then environment, then the project, then the home, then the default', async () => {
    expect((await load()).registryDir).toBe(lab.registry);
    homeFile({ registry_dir: '/from/home', realm: 'home', logs_dir: '/logs/home', tool_timeout_seconds: 1 });
    expect(await load()).toMatchObject({ registryDir: '/from/home', realm: 'home', toolTimeoutSeconds: 1 });
    projectFile({ registry_dir: '/from/project', realm: 'project', hub_idle_seconds: 5 });
    await lab.mam('trust', '--yes');
    expect(await load()).toMatchObject({
      registryDir: '/from/project',
      realm: 'project',
      // Only the user's own counts.
      hubIdleSeconds: 60,
      logsDir: '/logs/home',
      toolTimeoutSeconds: 1,
    });
    const env = {
      MAM_REGISTRY_DIR: '/from/env',
      MAM_REALM: 'env',
      MAM_HUB_IDLE_SECONDS: '9',
      MAM_LOGS_DIR: '/logs/env',
    };
    expect(await load(env)).toMatchObject({
      registryDir: '/from/env',
      realm: 'env',
      hubIdleSeconds: 9,
      logsDir: '/logs/env',
    });
    expect((await load(env, { registryDir: '/from/flag' })).registryDir).toBe('/from/flag');
    expect((await load({ DELEGATE_JOB_LOGS_DIR: '/logs/old' })).logsDir).toBe('/logs/old');
    expect((await load({ DELEGATE_JOB_LOGS_DIR: '/logs/old', MAM_LOGS_DIR: '/logs/new' })).logsDir).toBe(
      '/logs/new',
    );
  });

  test('an empty variable counts as unset', async () => {
    homeFile({ realm: 'home', registry_dir: '/from/home', logs_dir: '/logs/home' });
    const names = ['REALM', 'REGISTRY_DIR', 'LOGS_DIR', 'BROKER_URL', 'ROLE', 'TOOL_TIMEOUT_SECONDS'];
    const empty = Object.fromEntries(names.map((name) => [`MAM_${name}`, '']));
    expect(await load({ ...empty, TMUX_SERVER_NAME: '' })).toMatchObject({
      realm: 'home',
      registryDir: '/from/home',
      logsDir: '/logs/home',
      broker: undefined,
      role: 'supervisor',
    });
  });

  test('the tmux server: TMUX_SERVER_NAME, else the surrounding one, else the default', async () => {
    const uid = process.getuid?.();
    expect((await load()).tmuxSocket).toBe(join(lab.folder, `tmux-${uid}`, 'default'));
    expect((await load({ TMUX: '/tmp/x/sock,12,0', TMUX_PANE: '%3' })).tmuxSocket).toBe('/tmp/x/sock');
    const named = await load({ TMUX: '/tmp/x/sock,12,0', TMUX_PANE: '%3', TMUX_SERVER_NAME: 'lab' });
    expect(named).toMatchObject({
      tmuxSocket: join(lab.folder, `tmux-${uid}`, 'lab'),
      pane: '%3',
      paneSocket: '/tmp/x/sock',
    });
    expect((await load({ TMUX_PANE: '%3' })).pane).toBeUndefined();
  });
});

describe('a configuration that cannot be used', () => {
  let server: LabServer;
  beforeAll(async () => {
    makeLab();
    // The server starts with an unusable file too.
    homeFile('[]');
    server = await lab.startServer();
  });
  // No test leaves a broken file to the next.
  afterEach(() => homeFile({}));
  afterAll(() => lab.end());

  test.each([
    ['{"realm": "x",}', 'is not valid JSON'],
    ['', 'is not valid JSON'],
    ['[]', 'config.json must be an object'],
    ['{"relm":"x"}', 'has the unknown setting "relm"'],
    ['{"tool_timeout_seconds":"10"}', 'tool_timeout_seconds must be a number'],
    ['{"tool_timeout_seconds":-1}', 'tool_timeout_seconds must be more than 0'],
    ['{"max_depth":1.5}', 'max_depth must be a whole number'],
    ['{"agents":[]}', 'agents must be an object'],
    ['{"agents":{"x":{"command":"run"}}}', 'agents.x.command must be a list'],
    ['{"agents":{"x":{"command":[]}}}', 'agents.x.command must not be empty'],
    ['{"agents":{"x":{"env":{"A":1}}}}', 'agents.x.env must be an object of strings'],
    ['{"agents":{"x":{"args":"-v"}}}', 'agents.x.args must be a list'],
    ['{"agents":{"x":{"model_args":["-m"]}}}', 'agents.x.model_args must contain {model}'],
    ['{"agents":{"x":{"ready":"("}}}', 'agents.x.ready is not a valid regular expression'],
    ['{"agents":{"x":{"fresh":"/new\\n!rm"}}}', 'agents.x.fresh is not a command of one line, such as /new'],
    ['{"agents":{"x":{"fresh":"!run"}}}', 'agents.x.fresh is not a command of one line, such as /new'],
  ])('%s is named by file and setting, by every part of the program', async (text, words) => {
    homeFile(text);
    const path = join(lab.home, 'config.json');
    const { code, stderr } = await lab.mam('list');
    for (const message of [await server.refusal('list_jobs'), stderr]) {
      expect(message).toContain(path);
      expect(message).toContain(words);
      expect(message).not.toMatch(/\n\s+at /);
    }
    expect(code).toBe(64);
    // Once the file is fixed, the same server goes on.
    homeFile({});
    await server.ask('list_jobs');
  });

  test('never shows the content of the file', async () => {
    for (const text of [
      '{"broker_url":"mqtt://h","broker_password":"hunter2-secret"',
      '{"broker_password":"hunter2-secret"x}',
      '{"broker_password":hunter2-secret}',
      '{"broker_password":["hunter2-secret"]}',
    ]) {
      homeFile(text);
      const { code, stderr, stdout } = await lab.mam('list');
      expect(code).toBe(64);
      expect(stderr + stdout).not.toContain('hunter2');
    }
  });

  test.each([
    [{ MAM_BROKER_URL: 'nonsense-s3cret' }, 'MAM_BROKER_URL'],
    [{ MAM_BROKER_URL: 'http://me:s3cret@host' }, 'MAM_BROKER_URL'],
    [{ MAM_BROKER_URL: 'mqtt://me:s3cret@' }, 'MAM_BROKER_URL'],
    [{ MAM_REALM: 'Team A' }, 'MAM_REALM'],
    [{ MAM_REALM: 'a/#' }, 'MAM_REALM'],
    [{ MAM_ROLE: 'boss' }, 'MAM_ROLE'],
    [{ MAM_TOOL_TIMEOUT_SECONDS: 'soon' }, 'MAM_TOOL_TIMEOUT_SECONDS'],
    [{ MAM_HUB_IDLE_SECONDS: '-1' }, 'MAM_HUB_IDLE_SECONDS'],
  ])('%j is named, without its value', async (env, name) => {
    const { code, stderr } = await lab.start(['list'], { env }).ended;
    expect(code).toBe(64);
    expect(stderr).toContain(name);
    expect(stderr).not.toContain('s3cret');
  });
});

describe('the broker', () => {
  ownLab();

  test('user and password come from the URL, but separate settings win', async () => {
    const url = 'mqtts://me:p%40ss@broker:8883';
    expect((await load({ MAM_BROKER_URL: url })).broker).toMatchObject({
      urls: ['mqtts://broker:8883'],
      username: 'me',
      password: 'p@ss',
    });
    expect((await load({ MAM_BROKER_URL: url, MAM_BROKER_PASSWORD: 'other' })).broker?.password).toBe(
      'other',
    );
    homeFile({ broker_url: url, broker_username: 'file', broker_password: 'filed' });
    expect((await load()).broker).toMatchObject({ username: 'file', password: 'filed' });
    // The URL of the environment is another broker, which the file's user is not for.
    const named = await load({ MAM_BROKER_URL: 'mqtt://own:word@elsewhere' });
    expect(named.broker).toMatchObject({ urls: ['mqtt://elsewhere'], username: 'own', password: 'word' });
  });

  test('a password in a configuration file is never written anywhere', async () => {
    const secret = 'c0nfig-secret-9';
    // The client that read it first waits for the broker of its own.
    lab.expected.push(/^h\/outbox\/[\w.-]+\.json$/);
    homeFile({ broker_url: `mqtt://me:${secret}@127.0.0.1:9` });
    const server = await lab.startServer();
    // The hub is reached over its private socket, whatever happens to the broker.
    const outputs = [JSON.stringify(await server.ask('list_jobs'))];
    await until('the log says so', () => lab.hubLog().includes('mqtt://127.0.0.1:9 cannot be reached'));
    await server.ask('publish_event', { job_id: 'nobody', event: 'progress' });
    const status = await lab.mam('hub', '--json');
    expect(JSON.parse(status.stdout).broker).toBe('mqtt://127.0.0.1:9');
    outputs.push(status.stdout, status.stderr, server.stderr);
    outputs.push(allTexts(lab.folder, (path) => path.endsWith('/config.json')));
    for (const { command } of lab.processes) outputs.push(command);
    expect(outputs.join('\n')).not.toContain(secret);
  });
});

describe('the project folder', () => {
  ownLab();

  const find = (cwd: string, userHome = lab.folder): string => findProjectFolder(cwd, lab.home, userHome);
  const make = (...parts: string[]): string => {
    const folder = resolve(lab.folder, ...parts);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  const git = (cwd: string, ...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd,
      stdio: 'ignore',
      env: lab.env,
    });
  };

  test('is the nearest one upwards, else in the working directory', () => {
    make(lab.project, '.mam');
    const deep = make(lab.project, 'a', 'b');
    expect(find(deep)).toBe(join(lab.project, '.mam'));
    make(lab.project, 'a', '.mam');
    expect(find(deep)).toBe(join(lab.project, 'a', '.mam'));
    const alone = make('alone', 'x');
    expect(find(alone)).toBe(join(alone, '.mam'));
  });

  test('is never above the home folder, and never MAM_HOME', () => {
    make('.mam');
    const me = make('users', 'me');
    const work = make('users', 'me', 'work');
    expect(find(work, me)).toBe(join(work, '.mam'));
    // Outside of the home folder the search is not limited.
    expect(find(make('elsewhere', 'deep'), me)).toBe(join(lab.folder, '.mam'));
    const home = make('users', 'me', '.mam');
    expect(findProjectFolder(work, home, me)).toBe(join(work, '.mam'));
    expect(findProjectFolder(me, home, me)).toBe(join(home, 'project'));
  });

  test('of a linked worktree is that of the main worktree', () => {
    const main = make('repository');
    git(main, 'init', '-q');
    git(main, 'commit', '-q', '--allow-empty', '-m', 'x');
    git(main, 'worktree', 'add', '-q', join(lab.folder, 'linked'));
    const inside = make('linked', 'src');
    expect(find(inside)).toBe(join(main, '.mam'));
    expect(find(make('repository', 'src'))).toBe(join(main, '.mam'));
    make('linked', '.mam');
    expect(find(inside)).toBe(join(lab.folder, 'linked', '.mam'));
  });

  test('is neither a file nor a link', () => {
    const cwd = make('strange', 'x');
    writeFileSync(join(lab.folder, 'strange', '.mam'), 'a file');
    expect(find(cwd)).toBe(join(cwd, '.mam'));
    symlinkSync('/nowhere', join(cwd, '.mam'));
    expect(find(cwd)).toBe(join(cwd, '.mam'));
  });

  test('is the base of relative paths in its file, wherever in the project', async () => {
    projectFile({ registry_dir: 'registry' });
    const deep = make(lab.project, 'deep');
    const [top, below] = await Promise.all([load(), load({}, { cwd: deep })]);
    expect(below.registryDir).toBe(top.registryDir);
  });
});

describe('audit logs', () => {
  let peer: Peer;
  beforeAll(async () => {
    makeLab();
    peer = await lab.startPeer('mute', { session: 'logged' });
  });
  afterAll(() => lab.end());

  test.each(['MAM_LOGS_DIR', 'DELEGATE_JOB_LOGS_DIR'])('%s gets the journal and the screen', async (name) => {
    const logs = join(lab.folder, 'logs', name);
    const server = await lab.startServer({ [name]: logs });
    const { job_id, log_dir } = await server.delegate(peer, { prompt: 'Log it' });
    expect(log_dir).toBe(join(logs, job_id));
    const waited = server.ask('wait_job', { job_id });
    await server.ask('publish_event', { job_id, event: 'completed', detail: 'end' });
    expect(await waited).toMatchObject({ outcome: 'final' });
    await lab.mam('hub', 'stop');
    expect(readFileSync(join(log_dir, 'events.jsonl'), 'utf8')).toBe(
      readFileSync(lab.paths(job_id).journal, 'utf8'),
    );
    expect(readFileSync(join(log_dir, 'screen.txt'), 'utf8')).toContain('READY>');
    expect(readdirSync(join(lab.registry, job_id)).sort()).toEqual(['events.jsonl', 'job.json', 'prompt.md']);
  });
});
