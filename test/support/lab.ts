import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orderText } from '../../src/hub/order-text.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import { isJobId } from '../../src/job/id.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { foldJob } from '../../src/registry/fold.ts';
import { readJournal } from '../../src/registry/journal.ts';
import { type JobPaths, jobPaths } from '../../src/registry/paths.ts';
import { endLab } from './lab-end.ts';
import { LabServer } from './lab-server.ts';
import { PROGRAM } from './mcp-client.ts';
import { Peer } from './peer.ts';
import { isRunning, type LabProcess, Processes } from './processes.ts';
import { until } from './until.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');

/** Makes of a socket the stdin and stdout of a process. */
const PIPE =
  'const s=require("net").connect(process.argv[1]);process.stdin.pipe(s);s.pipe(process.stdout);s.on("error",()=>{})';

/** How a fake peer behaves: the options of `test/peers/peer.mjs`. */
const KINDS = {
  /** Does as it is told: started, then completed. */
  good: [],
  /** Takes its order and never says a word. */
  mute: ['--report', ''],
  /** The same over an MCP server of its own. */
  'good-mcp': ['--by', 'mcp'],
  swallows: ['--swallow', '1'],
  dialog: ['--dialog'],
  dies: ['--die-on-paste'],
  slow: ['--echo', '700'],
  floods: ['--flood'],
  twice: ['--report', 'started,completed:first,completed:second'],
  early: ['--report', 'progress:at it,completed:done,started'],
} as const;
export type PeerKind = keyof typeof KINDS;

export interface PeerOptions {
  /** Name of its tmux session; its kind when absent, with a number where that has one already. */
  session?: string;
  /** More options of peer.mjs. */
  args?: string[];
  /** More of its environment. */
  env?: Record<string, string>;
  /** Runs inside an interactive bash, which stays when the peer ends. */
  inShell?: boolean;
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A command that runs. */
export interface RunningCommand {
  child: ChildProcessWithoutNullStreams;
  /** What it has printed so far. */
  seen: { stdout: string; stderr: string };
  ended: Promise<CommandResult>;
}

/** A private world for one test: home, project, registry, tmux server, hub. `end` takes it down and proves it. */
export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'mam-'));
  readonly home = join(this.folder, 'h');
  readonly project = join(this.folder, 'p');
  readonly registry = join(this.project, '.mam', 'jobs');
  readonly socket = join(this.folder, `tmux-${process.getuid?.() ?? 0}`, 'default');
  readonly servers: LabServer[] = [];
  /** Names of the sessions that the test made. */
  readonly sessions = new Set<string>();
  /** The pane that a session of the test began with, by the session's name. */
  readonly panes = new Map<string, string>();
  /** Process ids of the hubs that were killed: each leaves its hidden tmux session for some seconds. */
  readonly killedHubs = new Set<number>();
  /** What may lie in its folder beside the usual, by path. */
  readonly expected: RegExp[] = [];
  readonly #processes = new Processes(this.folder);
  #logs = 0;
  #reporter: Promise<LabServer> | undefined;

  constructor() {
    mkdirSync(this.project);
    mkdirSync(join(this.folder, `tmux-${process.getuid?.() ?? 0}`), { mode: 0o700 });
  }

  /** The scrubbed environment of everything in here. */
  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      LANG: 'C.UTF-8',
      MAM_HOME: this.home,
      MAM_HUB_IDLE_SECONDS: '2',
      TMUX_TMPDIR: this.folder,
    };
  }

  /** An MCP server, as its client starts it; a supervisor's unless `env` says otherwise. */
  async startServer(
    env: Record<string, string> = {},
    clientName = 'lab',
    capabilities: Record<string, unknown> = {},
  ): Promise<LabServer> {
    const given = { env: { ...this.env, ...env }, clientName, capabilities };
    const server = new LabServer({ folder: this.project, ...given });
    this.servers.push(server);
    await server.initialize();
    return server;
  }

  /** A server that runs as a child of a peer's program, in its pane: that was started with `--mcp SOCKET`. */
  async startServerIn(socket: string, clientName = 'lab'): Promise<LabServer> {
    const program = ['-e', PIPE, socket];
    const server = new LabServer({ folder: this.project, env: this.env, clientName, program });
    this.servers.push(server);
    await server.initialize();
    return server;
  }

  /** A server in the peer role, outside of any pane. */
  startPeerServer(): Promise<LabServer> {
    return this.startServer({ MAM_ROLE: 'peer' }, 'peer');
  }

  /** The lab's own server in the peer role, for all tests that only report with it. */
  get reporter(): Promise<LabServer> {
    this.#reporter ??= this.startPeerServer();
    return this.#reporter;
  }

  /** What a program that was started in this pane has in its environment. */
  envOf(peer: Peer): Record<string, string> {
    return { TMUX: `${this.socket},1,0`, TMUX_PANE: peer.pane };
  }

  /** A fake peer in a tmux session of its own, once it can be typed into. */
  async startPeer(kind: PeerKind = 'good', options: PeerOptions = {}): Promise<Peer> {
    const taken = this.sessions.has(kind) ? `${kind}-${this.#logs + 1}` : kind;
    const session = options.session ?? taken;
    const log = join(this.folder, `peer-${++this.#logs}.log`);
    const words = [PEER, '--log', log, '--mam', PROGRAM, ...KINDS[kind], ...(options.args ?? [])];
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    const command = ['env', ...env, process.execPath, ...words].map((word) => `'${word}'`).join(' ');
    if (options.inShell === true) {
      await this.startSession(session, 'exec env HISTFILE=/dev/null bash --norc --noprofile -i');
      await this.tmux('send-keys', '-t', `=${session}:`, `${command}`, 'Enter');
    } else await this.startSession(session, `exec ${command}`);
    const pane = this.panes.get(session) ?? '';
    const peer = new Peer(session, pane, log);
    await until(`peer ${session} is ready`, () => peer.isReady);
    const shown = kind === 'dialog' ? 'proceed' : 'READY>';
    if (kind !== 'floods') {
      await until(`${session} shows ${shown}`, async () => (await this.screen(peer)).includes(shown));
    }
    return peer;
  }

  /** A tmux session that runs any command. */
  async startSession(name: string, command: string): Promise<void> {
    this.sessions.add(name);
    const size = ['-x', '120', '-y', '40'];
    const where = ['-d', '-P', '-F', '#{pane_id}', '-s', name, ...size, '-c', this.project];
    this.panes.set(name, await this.tmux('new-session', ...where, command));
  }

  /** Runs tmux on the lab's own socket. @throws with what tmux said */
  async tmux(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run('tmux', ['-f', '/dev/null', '-S', this.socket, ...args]);
    if (code !== 0) throw new Error(`tmux ${args[0]}: ${stderr.trim()}`);
    return stdout.trimEnd();
  }

  /** What a peer's pane shows. */
  screen(peer: Peer): Promise<string> {
    return this.tmux('capture-pane', '-p', '-J', '-t', peer.pane);
  }

  /** Runs a command of the built program. */
  mam(...args: string[]): Promise<CommandResult> {
    return this.run(process.execPath, [PROGRAM, ...args]);
  }

  /** Starts a command of the built program, without waiting for its end. */
  start(args: string[], env: Record<string, string> = {}): RunningCommand {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: this.project,
      env: { ...this.env, ...env },
    });
    const seen = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      seen.stdout += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      seen.stderr += chunk;
    });
    const ended = new Promise<CommandResult>((resolve) =>
      child.once('close', (code) => resolve({ code: code ?? -1, ...seen })),
    );
    return { child, seen, ended };
  }

  /** Everything that was started in here and runs. */
  get processes(): LabProcess[] {
    return this.#processes.running;
  }

  /** The hub's process id, once it has written its file. */
  hubPid(): Promise<number> {
    return until('a hub runs', () => {
      const pid = this.#hubFilePid();
      return pid !== undefined && isRunning(pid) && pid;
    });
  }

  /** Ends the hub as a crash does, without a word. */
  async killHub(): Promise<void> {
    const pid = await this.hubPid();
    this.killedHubs.add(pid);
    process.kill(pid, 'SIGKILL');
    await until('the hub is gone', () => !isRunning(pid));
  }

  /** Writes a file of the project and gives its path. */
  write(name: string, text: string, mode = 0o644): string {
    const path = join(this.project, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Writes the user's own configuration: a project's counts only after `mam trust`. */
  configure(config: object | string): void {
    mkdirSync(this.home, { recursive: true, mode: 0o700 });
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(this.home, 'config.json'), text, { mode: 0o600 });
  }

  /** The ids of all jobs in the registry. */
  jobIds(): string[] {
    try {
      return readdirSync(this.registry).filter(isJobId);
    } catch {
      return [];
    }
  }

  /** True while neither a hub nor a registry has been made. */
  get isUntouched(): boolean {
    return !existsSync(this.home) && !existsSync(join(this.project, '.mam'));
  }

  paths(jobId: string): JobPaths {
    return jobPaths(this.registry, jobId);
  }

  /** A job's record, folded from its journal. */
  record(jobId: string): JobRecord {
    return foldJob(this.registry, jobId).record;
  }

  /** A job's journal, from the disk. */
  events(jobId: string): RecordedEvent[] {
    return readJournal(this.paths(jobId).journal).events;
  }

  /** The types of a job's events, in their order. */
  types(jobId: string): string[] {
    return this.events(jobId).map((event) => event.type);
  }

  /** Waits for an event of this type in the journal. */
  event(jobId: string, type: string, ms?: number): Promise<RecordedEvent> {
    return until(
      `event ${type} of ${jobId}`,
      () => this.events(jobId).find((event) => event.type === type),
      ms,
    );
  }

  /** The text that must have been typed into the pane for a job. */
  orderOf(jobId: string): string {
    return orderText(this.record(jobId), this.paths(jobId).prompt);
  }

  /** Takes everything down. @throws when anything was left behind, or, with the place of the evidence, after a failure */
  end(failed = false, graceMs?: number): Promise<void> {
    return endLab(this, failed, graceMs);
  }

  /** Runs a program in the project's folder, with the lab's environment. */
  run(file: string, args: string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      execFile(file, args, { cwd: this.project, env: this.env }, (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
        resolve({ code, stdout, stderr: stderr || (error?.message ?? '') });
      });
    });
  }

  #hubFilePid(): number | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.home, 'hub.json'), 'utf8')) as { pid: number }).pid;
    } catch {
      return undefined;
    }
  }
}
