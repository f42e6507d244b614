import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TmuxServer } from '../../src/tmux/control.ts';
import { quote } from '../../src/tmux/quote.ts';
import { collect, type Ended, type RunningCommand } from './command.ts';
import { endLab } from './lab-end.ts';
import { LabFiles } from './lab-files.ts';
import { type Json, LabServer } from './lab-server.ts';
import { PROGRAM } from './mcp-client.ts';
import { Peer } from './peer.ts';
import { commandOf, isRunning, type LabProcess, Processes } from './processes.ts';
import { until } from './until.ts';

const PEERS = join(import.meta.dirname, '../peers');

/** Uses a socket as the stdin and stdout of a process. */
const PIPE =
  'const s=require("net").connect(process.argv[1]);process.stdin.pipe(s);s.pipe(process.stdout);s.on("error",()=>{})';

/** How a fake peer behaves: options of `test/peers/peer.mjs`. */
const KINDS = {
  /** Behaves well: started, then completed. */
  good: [],
  /** Takes its order and never reports. */
  mute: ['--report', ''],
  /** The same over its own MCP server. */
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
  /** Name of its tmux session; absent: its kind, with a number if that is taken. */
  session?: string;
  /** More options of peer.mjs. */
  args?: string[];
  /** More of its environment. */
  env?: Record<string, string>;
  /** Runs inside an interactive bash, which stays when the peer ends. */
  inShell?: boolean;
  /** The folder that it works in; the project when absent. */
  cwd?: string;
}

export interface ServerOptions {
  clientName?: string;
  /** The client's capabilities at `initialize`. */
  capabilities?: Record<string, unknown>;
  /** The folder that it works in; the project when absent. */
  cwd?: string;
  /** Another program than the built one. */
  program?: string[];
}

export interface CommandOptions {
  env?: Record<string, string>;
  /** The folder that it works in; the project when absent. */
  cwd?: string;
  /** Its whole stdin, which stays open if this is absent. */
  input?: string;
  /** Another program than the built one. */
  program?: string;
}

/** Everything except the hub's home and the project's `.mam`: for a lab whose test writes files of a user or a stranger. */
export const NOT_OURS = /^(?!h\/|p\/\.mam\/)/;

/** A private world for one test: home, project, registry, tmux server, hub. `end` takes it down and checks for leftovers. */
export class Lab extends LabFiles {
  readonly socket = join(this.folder, `tmux-${process.getuid?.() ?? 0}`, 'default');
  readonly servers: LabServer[] = [];
  /** Names of the sessions that the test made. */
  readonly sessions = new Set<string>();
  /** The first pane of a session of the test, by the session's name. */
  readonly panes = new Map<string, string>();
  /** Additional content that its folder may have, by path. */
  readonly expected: RegExp[] = [];
  /** All folders of the lab that may be a hub's home. */
  readonly homes = [this.home];
  /** Processes that are ended with the lab. */
  readonly kept: ChildProcess[] = [];
  /** What to do before checking what is left, in reverse order. */
  readonly cleaners: (() => unknown)[] = [];
  readonly #env: Record<string, string>;
  readonly #prefix: readonly string[];
  readonly #processes = new Processes(this.folder);
  #logs = 0;
  #reporter: Promise<LabServer> | undefined;
  #steady: TmuxServer | undefined;

  /**
   * @param env more of the environment of everything in here
   * @param prefix words before each command, which run it elsewhere: in another network
   */
  constructor(env: Record<string, string> = {}, prefix: readonly string[] = []) {
    super();
    this.#env = env;
    this.#prefix = prefix;
    mkdirSync(join(this.socket, '..'), { mode: 0o700 });
  }

  /** The scrubbed environment of everything in here. */
  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      LANG: 'C.UTF-8',
      MAM_HOME: this.home,
      TMPDIR: tmpdir(),
      TMUX_TMPDIR: this.folder,
      ...this.#env,
    };
  }

  /** An MCP server, started as by its client; a supervisor's unless `env` says otherwise. */
  async startServer(env: Record<string, string> = {}, options: ServerOptions = {}): Promise<LabServer> {
    const server = this.spawnServer(env, options);
    await server.initialize();
    return server;
  }

  /** A server before its handshake. */
  spawnServer(env: Record<string, string> = {}, options: ServerOptions = {}): LabServer {
    const { cwd: folder = this.project, ...more } = options;
    const known = { folder, prefix: this.#prefix, env: { ...this.env, ...env } };
    const server = new LabServer({ ...known, clientName: 'lab', ...more });
    this.servers.push(server);
    return server;
  }

  /** A server that runs as a child of a peer's program, in its pane; the peer was started with `--mcp SOCKET`. */
  startServerIn(socket: string): Promise<LabServer> {
    return this.startServer({}, { program: ['-e', PIPE, socket] });
  }

  /** A server in the peer role, outside any pane. */
  startPeerServer(): Promise<LabServer> {
    return this.startServer({ MAM_ROLE: 'peer' }, { clientName: 'peer' });
  }

  /** The lab's own server in the peer role, for all tests that only report with it. */
  get reporter(): Promise<LabServer> {
    this.#reporter ??= this.startPeerServer();
    return this.#reporter;
  }

  /** The environment of a program started in this pane. */
  envOf(peer: Peer): Record<string, string> {
    return { TMUX: `${this.socket},1,0`, TMUX_PANE: peer.pane };
  }

  /** A fake peer in its own tmux session, once it accepts input. */
  async startPeer(kind: PeerKind = 'good', options: PeerOptions = {}): Promise<Peer> {
    const args = [...KINDS[kind], ...(options.args ?? [])];
    const peer = await this.#startPeer('peer.mjs', kind, { ...options, args });
    const shown = kind === 'dialog' ? 'proceed' : 'READY>';
    if (kind !== 'floods')
      await until(`${peer.session} shows ${shown}`, async () => (await this.screen(peer)).includes(shown));
    return peer;
  }

  /** A fake agent that asks before it runs commands, in a session `asker`. @param args the options of `test/peers/dialogs.mjs` */
  startAsker(...args: string[]): Promise<Peer> {
    return this.#startPeer('dialogs.mjs', 'asker', { args });
  }

  /** A fake agent with Claude Code's screen, in a session `chat`. @param args the options of `test/peers/chat.mjs` */
  startChat(...args: string[]): Promise<Peer> {
    return this.#startPeer('chat.mjs', 'chat', { args });
  }

  async #startPeer(program: string, name: string, options: PeerOptions): Promise<Peer> {
    const { args = [] } = options;
    const taken = this.sessions.has(name) ? `${name}-${this.#logs + 1}` : name;
    const session = options.session ?? taken;
    const log = join(this.folder, `peer-${++this.#logs}.log`);
    const words = [join(PEERS, program), '--log', log, '--mam', PROGRAM, ...args];
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    const command = ['env', ...env, process.execPath, ...words].map((word) => `'${word}'`).join(' ');
    if (options.inShell === true) {
      await this.startSession(session, 'exec env HISTFILE=/dev/null bash --norc --noprofile -i', options.cwd);
      await this.tmux('send-keys', '-t', `=${session}:`, `${command}`, 'Enter');
    } else await this.startSession(session, `exec ${command}`, options.cwd);
    const pane = this.panes.get(session) ?? '';
    const peer = new Peer(session, pane, log);
    await until(`peer ${session} is ready`, () => peer.isReady);
    return peer;
  }

  /** A tmux session that runs the given command. */
  async startSession(name: string, command: string, cwd = this.project): Promise<void> {
    this.sessions.add(name);
    const size = ['-x', '120', '-y', '40'];
    const where = ['-d', '-P', '-F', '#{pane_id} #{pane_pid}', '-s', name, ...size, '-c', cwd];
    const [pane = '', pid] = (await this.tmux('new-session', ...where, command)).split(' ');
    this.panes.set(name, pane);
    const isShell = (words: string) => words.startsWith('tmux -f') || words.includes(command);
    if (command.startsWith('exec '))
      await until('the shell has become its program', () => !isShell(commandOf(Number(pid))));
  }

  /** Runs tmux on the lab's own socket. @throws with what tmux said */
  async tmux(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run('tmux', ['-f', '/dev/null', '-S', this.socket, ...args]);
    if (code !== 0) throw new Error(`tmux ${args[0]}: ${stderr.trim()}`);
    return stdout.trimEnd();
  }

  /**
   * Runs a tmux command over one client, which stays in a hidden session: for frequent typing and looks, for which
   * separate processes would take most of a test's time.
   */
  async steadyTmux(command: string, ...args: string[]): Promise<string> {
    this.#steady ??= new TmuxServer(this.socket);
    const lines = await this.#steady.command([command, ...args.map(quote)].join(' '));
    return lines.join('\n').trimEnd();
  }

  /** Ends the client of `steadyTmux`. */
  async leaveTmux(): Promise<void> {
    await this.#steady?.close();
    this.#steady = undefined;
  }

  /** What a peer's pane shows. */
  screen(peer: Peer): Promise<string> {
    return this.tmux('capture-pane', '-p', '-J', '-t', peer.pane);
  }

  /** Runs a command of the built program. */
  mam(...args: string[]): Promise<Ended> {
    return this.start(args, { input: '' }).ended;
  }

  /** A command's output with `--json`. */
  async json(...args: string[]): Promise<Json> {
    return JSON.parse((await this.mam(...args, '--json')).stdout);
  }

  /** Starts a command of the built program, without waiting for its end. */
  start(args: string[], options: CommandOptions = {}): RunningCommand {
    const { env = {}, cwd = this.project, input, program = PROGRAM } = options;
    const [file = '', ...words] = [...this.#prefix, process.execPath, program, ...args];
    const running = collect(spawn(file, words, { cwd, env: { ...this.env, ...env } }));
    if (input !== undefined) running.child.stdin.end(input);
    return running;
  }

  /** Runs a program in the project's folder, with the lab's environment. */
  run(file: string, args: string[]): Promise<Ended> {
    const [first = '', ...words] = [...this.#prefix, file, ...args];
    const running = collect(spawn(first, words, { cwd: this.project, env: this.env }));
    running.child.stdin.end();
    return running.ended;
  }

  /** Ends a process with the lab, which would otherwise be reported as left. */
  keep<T extends ChildProcess>(child: T): T {
    this.kept.push(child);
    return child;
  }

  onEnd(cleaner: () => unknown): void {
    this.cleaners.push(cleaner);
  }

  /** All running processes that were started in here. */
  get processes(): LabProcess[] {
    return this.#processes.running;
  }

  /** The hubs that run in here, even one that is just starting. */
  get hubProcesses(): LabProcess[] {
    return this.processes.filter(({ command }) => command.endsWith(' hub-process'));
  }

  /** Their process ids. */
  get hubs(): number[] {
    return this.hubProcesses.map(({ pid }) => pid);
  }

  /** The hub's process id, once it has written its file. */
  hubPid(home = this.home): Promise<number> {
    return until('a hub runs', () => {
      const { pid } = this.hub(home);
      return isRunning(pid) && pid;
    });
  }

  /** Kills the hub like a crash. @returns the process id that it had */
  async killHub(): Promise<number> {
    const pid = await this.hubPid();
    this.killedHubs.add(pid);
    process.kill(pid, 'SIGKILL');
    await until('the hub is gone', () => !isRunning(pid));
    return pid;
  }

  /** Takes everything down. @throws if anything was left behind or, with the place of the evidence, after a failure */
  end(failed = false, graceMs?: number): Promise<void> {
    return endLab(this, failed, graceMs);
  }
}
