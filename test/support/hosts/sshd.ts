import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { signal } from '../processes.ts';
import { until } from '../until.ts';
import { Daemon } from './daemon.ts';
import type { Hosts } from './hosts.ts';

const SSHD = '/usr/sbin/sshd';
/** Debian's sshd of root starts only if it is there; its service makes it. */
const EMPTY_FOLDER = '/run/sshd';

/** Why there is no sshd here; undefined if there is one. */
export const NO_SSHD = existsSync(SSHD) ? undefined : `${SSHD} is missing: install openssh-server`;

/** A real sshd on a host of a test, for the user of the test: who logs in has the environment of the host's lab. */
export class Sshd {
  readonly host: string;
  readonly #hosts: Hosts;
  readonly #folder: string;
  readonly #port: number;
  readonly #daemon: Daemon;

  /** Starts it. The host's environment is the one of now: set `more` of its lab before. */
  static async start(hosts: Hosts, host: string): Promise<Sshd> {
    const made = new Sshd(hosts, host, await freePort());
    await made.#daemon.start();
    return made;
  }

  private constructor(hosts: Hosts, host: string, port: number) {
    this.#hosts = hosts;
    this.host = host;
    this.#port = port;
    this.#folder = join(hosts.folder, `sshd-${host}`);
    mkdirSync(this.#folder, { mode: 0o700 });
    if (process.getuid?.() === 0) mkdirSync(EMPTY_FOLDER, { recursive: true, mode: 0o755 });
    newKey(this.#file('host-key'));
    writeFileSync(this.#file('authorized'), '');
    writeFileSync(this.#file('config'), this.#config());
    const words = [SSHD, '-f', this.#file('config'), '-D', '-e'];
    const isReady = () => hosts.net.listens(host, port);
    this.#daemon = new Daemon(hosts, { host, name: 'sshd', words, isReady });
    hosts.onEnd(() => this.stop());
  }

  /** Lets another host in, whose `ssh` knows this one from now on. @returns what to give to its `ssh`: the name of this host */
  async letIn(from: string): Promise<string> {
    const key = this.#file(`key-of-${from}`);
    newKey(key);
    appendFileSync(this.#file('authorized'), readFileSync(`${key}.pub`));
    const { address, port } = await this.#hosts.reach(from, this.host, this.#port);
    const known = this.#file(`known-by-${from}`);
    const hostKey = readFileSync(this.#file('host-key.pub'), 'utf8');
    writeFileSync(known, `[${address}]:${port} ${hostKey}`);
    const config = join(this.#hosts.folder, `ssh-of-${from}`);
    const lines = [
      `Host ${this.host}`,
      ...[`HostName ${address}`, `Port ${port}`, `User ${userInfo().username}`],
      ...[`IdentityFile ${key}`, 'IdentitiesOnly yes', 'IdentityAgent none'],
      ...[`UserKnownHostsFile ${known}`, 'GlobalKnownHostsFile /dev/null', 'StrictHostKeyChecking yes'],
    ];
    appendFileSync(config, `${lines.join('\n  ')}\n`);
    this.#hosts.lab(from).install('ssh', `exec /usr/bin/ssh -F '${config}' "$@"`);
    return this.host;
  }

  /** What it has said: who logged in, and why somebody could not. */
  get log(): string {
    return this.#daemon.output;
  }

  /** The process of each connection. */
  get connections(): number[] {
    return childrenOf(this.#daemon.pid);
  }

  /** Kills all connections, as their loss does; new ones are taken. */
  async cut(): Promise<void> {
    const all = this.connections.flatMap((pid) => [pid, ...serversBelow(pid)]);
    for (const pid of all) signal(pid, 'SIGKILL');
    await until('the connections are gone', () => !this.connections.some((pid) => all.includes(pid)));
  }

  /** Takes no new connections and ends all, until `start`. */
  async stop(): Promise<void> {
    await this.cut();
    await this.#daemon.kill();
  }

  /** Starts it again. */
  start(): Promise<void> {
    return this.#daemon.start();
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  #config(): string {
    const env = Object.entries(this.#hosts.lab(this.host).env).map(([name, value]) => `"${name}=${value}"`);
    const lines = [
      ...[`ListenAddress ${this.#hosts.net.address(this.host)}`, `Port ${this.#port}`, 'PidFile none'],
      ...[`HostKey ${this.#file('host-key')}`, `AuthorizedKeysFile ${this.#file('authorized')}`],
      ...['StrictModes no', 'UsePAM no', 'UseDNS no', 'PasswordAuthentication no'],
      ...['KbdInteractiveAuthentication no', 'PermitRootLogin prohibit-password', 'PrintMotd no'],
      `SetEnv ${env.join(' ')}`,
    ];
    return `${lines.join('\n')}\n`;
  }
}

function newKey(file: string): void {
  const { status, stderr, error } = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  if (status !== 0) throw new Error(`ssh-keygen: ${error?.message ?? stderr}`);
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((one) => Number.isInteger(one) && parentOf(one) === pid);
}

/** The part of a connection that runs as the user: killed as well, it can't go on for a moment on its own. */
function serversBelow(pid: number): number[] {
  return childrenOf(pid).filter((one) => nameOf(one) === 'sshd');
}

function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function nameOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
