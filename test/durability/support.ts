import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobOrder, JobRecord } from '../../src/job/record.ts';
import { foldJob } from '../../src/registry/fold.ts';
import { homePaths } from '../../src/registry/home.ts';
import { Seal } from '../../src/registry/seal.ts';
import { LabServer } from '../support/lab-server.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { isRunning, type LabProcess, Processes } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** A terminal program that plays an agent in a pane and runs commands there for a test. */
const AGENT = resolve(import.meta.dirname, 'agent.mjs');

type Env = Record<string, string>;

/** What a process printed and how it ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A home, a project and an environment of their own; `end` takes all down and proves that nothing stays. */
export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'mam-d-'));
  readonly home = join(this.folder, 'home');
  readonly project = join(this.folder, 'project');
  readonly registry = join(this.project, '.mam', 'jobs');
  readonly #env: Env;
  readonly #servers: LabServer[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #cleaners: (() => unknown)[] = [];
  readonly #processes = new Processes(this.folder);
  #usesTmux = false;

  constructor(env: Env = {}) {
    this.#env = env;
    mkdirSync(this.registry, { recursive: true });
  }

  /** The environment of every process of this lab. Its folder stands in it, so that none can hide. */
  env(more: Env = {}): Env {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      MAM_HOME: this.home,
      TMUX_TMPDIR: this.folder,
      ...this.#env,
      ...more,
    };
  }

  /** An MCP server, initialized. */
  async server(env: Env = {}, options: { cwd?: string; program?: string[] } = {}): Promise<LabServer> {
    const server = this.spawnServer(env, options);
    await server.initialize();
    return server;
  }

  spawnServer(env: Env = {}, { cwd = this.project, program = [PROGRAM] } = {}): LabServer {
    const server = new LabServer({ folder: cwd, program, env: this.env(env) });
    this.#servers.push(server);
    return server;
  }

  /** Runs `mam` with these arguments to its end. */
  async mam(args: string[], options: { env?: Env; cwd?: string; input?: string } = {}): Promise<Ended> {
    const { child, ended } = this.start(args, options);
    child.stdin?.end(options.input ?? '');
    return ended;
  }

  /** Starts `mam` with these arguments. */
  start(
    args: string[],
    { env = {}, cwd = this.project, program = PROGRAM }: { env?: Env; cwd?: string; program?: string } = {},
  ): { child: ChildProcessWithoutNullStreams; ended: Promise<Ended>; seen: () => string } {
    const child = spawn(process.execPath, [program, ...args], { cwd, env: this.env(env) });
    this.#children.push(child);
    const { ended, seen } = collect(child);
    return { child, ended, seen };
  }

  /** Keeps a process that a test started, to be ended with the lab. */
  keep<T extends ChildProcess>(child: T): T {
    this.#children.push(child);
    return child;
  }

  onEnd(cleaner: () => unknown): void {
    this.#cleaners.push(cleaner);
  }

  /** What the running hub wrote about itself. */
  hub(home = this.home): { pid: number; socket: string; realm: string; host: string } {
    return JSON.parse(readFileSync(join(home, 'hub.json'), 'utf8'));
  }

  /** The hub's process id once one runs. */
  async hubPid(home = this.home): Promise<number> {
    return until('a hub runs', () => {
      try {
        const { pid } = this.hub(home);
        return isRunning(pid) ? pid : undefined;
      } catch {
        return undefined;
      }
    }) as Promise<number>;
  }

  hubLog(home = this.home): string {
    try {
      return readFileSync(join(home, 'hub.log'), 'utf8');
    } catch {
      return '';
    }
  }

  /** Puts a job without a pane into a registry, as a hub would have left it, for the next hub to take up. */
  plant(id: string, order: Partial<JobOrder> = {}, registry = this.registry, home = this.home): string {
    mkdirSync(join(home, 'live'), { recursive: true, mode: 0o700 });
    plantJob(registry, id, order, this.project, home);
    writeFileSync(join(home, 'live', id), `${registry}\n`);
    return id;
  }

  /** A journal's line as a hub of this home would have written it. */
  signed(id: string, event: object): string {
    return `\n${Seal.of(homePaths(this.home)).sign(id, JSON.stringify(event))}\n`;
  }

  journalFile(id: string, registry = this.registry): string {
    return join(registry, id, 'events.jsonl');
  }

  /** A job's record, folded from its journal. */
  record(id: string, registry = this.registry): JobRecord {
    return foldJob(registry, id).record;
  }

  /** The record as `job.json` has it, which is written some time after the journal. */
  snapshot(id: string, registry = this.registry): JobRecord {
    return JSON.parse(readFileSync(join(registry, id, 'job.json'), 'utf8')) as JobRecord;
  }

  /** @param torn so many torn lines are allowed: one for each kill of a hub under load */
  events(id: string, { registry = this.registry, torn = 0 } = {}): RecordedEvent[] {
    return readEvents(this.journalFile(id, registry), torn);
  }

  /** A tmux session of this lab's private server with an agent in it that takes input at once. */
  async agent(name: string, mode = 'plain'): Promise<PaneAgent> {
    const log = join(this.folder, `${name}.log`);
    const bridge = join(this.folder, `${name}.s`);
    const command = `exec '${process.execPath}' '${AGENT}' ${mode} '${log}' '${bridge}'`;
    await this.tmux('new-session', '-d', '-s', name, '-x', '120', '-y', '30', command);
    await until(`agent ${name} shows its box`, async () =>
      (await this.tmux('capture-pane', '-p', '-t', `=${name}:`)).includes('READY>'),
    );
    const pane = (await this.tmux('list-panes', '-t', `=${name}:`, '-F', '#{pane_id}')).trim();
    return { pane, bridge, log };
  }

  /** Runs tmux on this lab's private server. */
  async tmux(...args: string[]): Promise<string> {
    const child = spawn('tmux', ['-f', '/dev/null', ...args], {
      env: { ...this.env(), TERM: 'xterm', LANG: 'C.UTF-8' },
    });
    this.#usesTmux = true;
    const { code, stdout, stderr } = await collect(child).ended;
    if (code !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** Every living process that carries this lab's folder in its environment or its arguments. */
  processes(): LabProcess[] {
    return this.#processes.running;
  }

  hubs(): number[] {
    return this.processes()
      .filter(({ command }) => command.endsWith('hub-process'))
      .map(({ pid }) => pid);
  }

  /** Stops everything; throws when a process, a socket or a temporary file stays. */
  async end({ homes = [this.home] }: { homes?: string[] } = {}): Promise<void> {
    for (const child of this.#children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
      }
    }
    const left: string[] = [];
    await Promise.all(
      this.#servers
        .splice(0)
        .map((server) => server.close().catch((error: Error) => left.push(error.message))),
    );
    for (const pid of this.hubs()) process.kill(pid, 'SIGTERM');
    await until('the hubs end', () => this.hubs().length === 0).catch((error) => left.push(error.message));
    if (this.#usesTmux) await this.tmux('kill-server').catch(() => {});
    for (const clean of this.#cleaners.splice(0).reverse()) await clean();
    await until('all processes are gone', () => this.processes().length === 0).catch(() => {});
    for (const { pid, command } of this.processes()) {
      left.push(`process ${pid}: ${command}`);
      process.kill(pid, 'SIGKILL');
    }
    for (const home of homes) left.push(...leftInHome(home));
    rmSync(this.folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
  }
}

export interface PaneAgent {
  pane: string;
  /** Socket on which the agent runs commands as its own children. */
  bridge: string;
  /** What it read, one JSON line each. */
  log: string;
}

/** What a hub that ended in order must not leave. */
function leftInHome(home: string): string[] {
  if (!existsSync(home)) return [];
  const names = (folder: string): string[] =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return [
    ...names(home).filter((path) =>
      /\/(hub\.sock|hub\.json|hub\.owner|hub\.lock|hub\.election|\.[0-9a-f]{6})$/.test(path),
    ),
    ...names(join(home, 'servers')),
    ...names(join(home, 'spool')),
    ...names(join(home, 'outbox')).filter((path) => !path.endsWith('.json')),
  ];
}

/** A client of the user's own servers inside a pane: the agent runs `mam` as its child. */
export function inPane(bridge: string, args: string[] = [], cwd = '/'): string[] {
  return [join(import.meta.dirname, 'bridge.mjs'), bridge, JSON.stringify({ program: PROGRAM, args, cwd })];
}

export function collect(child: ChildProcessWithoutNullStreams): {
  ended: Promise<Ended>;
  seen: () => string;
} {
  let stdout = '';
  let stderr = '';
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((done) =>
    child.once('close', (code, signal) => done({ code, signal, stdout, stderr })),
  );
  return { ended, seen: () => stdout + stderr };
}

/** Makes a job's folder with its prompt and its first event. @param home whose hub has written it; absent for a stranger */
export function plantJob(
  registry: string,
  id: string,
  order: Partial<JobOrder>,
  workdir: string,
  home?: string,
): void {
  const folder = join(registry, id);
  const prompt = `The task of ${id}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'prompt.md'), prompt);
  const at = new Date().toISOString();
  const job: JobOrder = {
    job_id: id,
    agent: 'human',
    host: 'planted',
    registry_dir: registry,
    log_dir: folder,
    workdir,
    prompt_sha256: createHash('sha256').update(prompt).digest('hex'),
    prompt_preview: prompt,
    prompt_bytes: prompt.length,
    supervisor: { client: 'test', session: 'planted' },
    depth: 0,
    peer_server: 'unknown',
    timeouts: { timeout_seconds: 3600, idle_timeout_seconds: 3600 },
    ...order,
  };
  const queued = {
    seq: 1,
    recorded_at: at,
    event_id: `${id}-1`,
    job_id: id,
    type: 'queued',
    source: 'hub',
    at,
  };
  const line = JSON.stringify({ ...queued, data: { job } });
  const written = home === undefined ? line : Seal.of(homePaths(home)).sign(id, line);
  writeFileSync(join(folder, 'events.jsonl'), `\n${written}\n`);
}

/**
 * The events of a journal: every seq is one more than the last, and every line whole but for `torn` of them, which a hub
 * that was killed in the middle of a write may leave (at most one a kill; nobody was told of them).
 */
export function readEvents(path: string, torn = 0): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  let left = torn;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '' || (!isJson(line) && left-- > 0)) continue;
    const event = JSON.parse(line) as RecordedEvent;
    if (event.seq !== events.length + 1)
      throw new Error(`seq ${event.seq} after ${events.length} in ${path}: ${line.slice(0, 300)}`);
    events.push(event);
  }
  return events;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

export function listens(where: { port: number } | { path: string }): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection('port' in where ? { ...where, host: '127.0.0.1' } : where);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
