import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { listens } from '../ports.ts';
import { commandOf } from '../processes.ts';
import { Relay } from '../relay.ts';
import { until } from '../until.ts';
import { BROKER_HOST, listensBeside, type Network, OUTSIDE, type Reach } from './network.ts';

/** Why namespaces cannot be used here; undefined if they can. */
export const NO_NAMESPACES = whyNot();

/** Nobody else sees these addresses: they are the same in every test. */
const NET = '10.77.0';
/** Listens on a socket, and leads each connection to an address and port of the namespace that it runs in. */
const DOOR = `const net = require('net'), [path, address, port] = process.argv.slice(1);
net.createServer((near) => {
  const far = net.connect(Number(port), address);
  for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => {}).on('close', () => other.destroy());
  near.pipe(far).pipe(near);
}).listen(path);`;

/** A network namespace: it is there as long as a process is in it. */
interface Space {
  keeper: ChildProcess;
  /** As in `/proc/PID/ns/net`. */
  id: string;
  address: string;
}

/**
 * A network namespace per host, and one with a bridge, in which the broker runs. Nothing of it can be seen outside, and
 * nothing has a name that others could use: the namespaces end with this process, even when it is killed.
 */
export class Namespaces implements Network {
  readonly kind = 'namespaces';
  readonly #folder: string;
  readonly #spaces = new Map<string, Space>();
  readonly #doors = new Map<string, { relay: Relay; child: ChildProcess }>();

  /** @param folder where its sockets are */
  static async make(folder: string, hosts: readonly string[]): Promise<Namespaces> {
    const made = new Namespaces(folder);
    await Promise.all([BROKER_HOST, ...hosts].map((host, index) => made.#open(host, `${NET}.${index + 1}`)));
    const bridge = [
      'link add bridge type bridge',
      `addr add ${made.address(BROKER_HOST)}/24 dev bridge`,
      'link set bridge up',
    ];
    made.#ip(BROKER_HOST, ...bridge, ...hosts.flatMap((host) => made.#wire(host)));
    for (const host of hosts)
      made.#ip(host, `addr add ${made.address(host)}/24 dev eth0`, 'link set eth0 up');
    return made;
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  address(host: string): string {
    return this.#space(host).address;
  }

  prefix(host: string): string[] {
    return ['nsenter', `--net=/proc/${this.#space(host).keeper.pid}/ns/net`, '--'];
  }

  async reach(from: string, to: string, port: number): Promise<Reach> {
    if (from !== OUTSIDE) return { address: this.address(to), port };
    const name = `${to}-${port}`;
    const door = this.#doors.get(name) ?? (await this.#door(name, to, port));
    return { address: '127.0.0.1', port: door.relay.port };
  }

  listens(host: string, port: number): boolean {
    return listensBeside(this.#space(host).keeper.pid ?? 0, port);
  }

  async cut(host: string): Promise<void> {
    this.#ip(BROKER_HOST, `link set ${this.#port(host)} down`);
  }

  async mend(host: string): Promise<void> {
    this.#ip(BROKER_HOST, `link set ${this.#port(host)} up`);
  }

  async close(): Promise<void> {
    const doors = [...this.#doors.values()];
    await Promise.all(doors.flatMap(({ relay, child }) => [relay.cut(), ended(child)]));
  }

  async end(): Promise<string[]> {
    await Promise.all([...this.#spaces.values()].map(({ keeper }) => ended(keeper)));
    // Its links went with a namespace that nobody is in.
    return [...this.#spaces].flatMap(([host, { id }]) =>
      processesIn(id).map((pid) => `process ${pid} is left in the network of ${host}: ${commandOf(pid)}`),
    );
  }

  async #open(host: string, address: string): Promise<void> {
    // It ends when this process does, which holds the other end of its stdin.
    const script = 'ip link set lo up && echo up && exec cat';
    const keeper = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#spaces.set(host, { keeper, id: '', address });
    const said = await new Promise<string>((done) => {
      keeper.stdout.once('data', (text) => done(String(text)));
      keeper.once('close', () => done(''));
    });
    if (said === '') throw new Error(`no network namespace for ${host}`);
    this.#space(host).id = readlinkSync(`/proc/${keeper.pid}/ns/net`);
  }

  /** What leads a wire from the bridge to a host. */
  #wire(host: string): string[] {
    const port = this.#port(host);
    const peer = `peer name eth0 netns ${this.#space(host).keeper.pid}`;
    return [`link add ${port} type veth ${peer}`, `link set ${port} master bridge up`];
  }

  /** A port on loopback for this process, which leads to a port of the host. */
  async #door(name: string, host: string, port: number): Promise<{ relay: Relay; child: ChildProcess }> {
    const path = join(this.#folder, `${name}.sock`);
    const words = [process.execPath, '-e', DOOR, path, this.address(host), String(port)];
    const [file = '', ...args] = [...this.prefix(host), ...words];
    const child = spawn(file, args, { stdio: 'ignore' });
    const door = { relay: new Relay(path), child };
    this.#doors.set(name, door);
    await until('the door is open', () => listens({ path }));
    await door.relay.open();
    return door;
  }

  /** The name of the host's end of the wire at the bridge. */
  #port(host: string): string {
    return `port${this.#space(host).address.split('.').at(-1)}`;
  }

  /** Runs commands of `ip` on a host, in one process. @throws with what it said */
  #ip(host: string, ...commands: string[]): void {
    const [file = '', ...args] = [...this.prefix(host), 'ip', '-batch', '-'];
    const input = `${commands.join('\n')}\n`;
    const { status, stderr, error } = spawnSync(file, args, { input, encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${commands.join('; ')}: ${error?.message ?? stderr.trim()}`);
  }

  #space(host: string): Space {
    const space = this.#spaces.get(host);
    if (space === undefined) throw new Error(`there is no host ${host}`);
    return space;
  }
}

/** Ends a process of ours, and waits. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    child.once('exit', () => done());
    child.kill('SIGKILL');
  });
}

function processesIn(space: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return Number.isInteger(pid) && readlinkSync(`/proc/${pid}/ns/net`) === space;
      } catch {
        return false;
      }
    });
}

function whyNot(): string | undefined {
  const script = 'ip link add bridge type bridge && ip link add port type veth peer name eth0';
  const { status, error, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `network namespaces cannot be made here (${error?.message ?? stderr.trim()}): run as root on Linux with iproute2`;
}
