import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { LABS, Processes, signal, untilEnded } from '../processes.ts';
import { PATIENCE } from '../until.ts';
import { HostLab } from './host-lab.ts';
import { Loopback } from './loopback.ts';
import { Namespaces, NO_NAMESPACES } from './namespaces.ts';
import type { Network, Reach } from './network.ts';

const END_MS = 15_000 * PATIENCE;

export interface HostsOptions {
  /** Absent: namespaces where they can be made. */
  over?: Network['kind'];
  /** More of the environment of everything on every host. */
  env?: Record<string, string>;
}

/** Several hosts, each with its own lab, and a network between them; call `end`. */
export async function hosts(names: readonly string[], options: HostsOptions = {}): Promise<Hosts> {
  const { over = NO_NAMESPACES === undefined ? 'namespaces' : 'loopback', env = {} } = options;
  const folder = mkdtempSync(LABS);
  const net = over === 'loopback' ? new Loopback() : await Namespaces.make(folder, names);
  return new Hosts(
    folder,
    net,
    new Map(names.map((name) => [name, new HostLab(name, env, net.prefix(name))])),
  );
}

/** The hosts of one test. What belongs to none of them, such as a broker, is in a folder of its own. */
export class Hosts {
  readonly folder: string;
  readonly net: Network;
  readonly labs: ReadonlyMap<string, HostLab>;
  readonly #kept: ChildProcess[] = [];
  readonly #cleaners: (() => unknown)[] = [];

  constructor(folder: string, net: Network, labs: ReadonlyMap<string, HostLab>) {
    this.folder = folder;
    this.net = net;
    this.labs = labs;
  }

  get names(): string[] {
    return [...this.labs.keys()];
  }

  /** The environment of what runs beside the hosts. */
  get env(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.folder, LANG: 'C.UTF-8', TMPDIR: tmpdir() };
  }

  lab(host: string): HostLab {
    const lab = this.labs.get(host);
    if (lab === undefined) throw new Error(`there is no host ${host}`);
    return lab;
  }

  /** Takes a host off the network: what it sends and is sent is lost, and nobody is told. */
  cut(host: string): Promise<void> {
    return this.net.cut(host);
  }

  /** Brings it back. */
  mend(host: string): Promise<void> {
    return this.net.mend(host);
  }

  /** Where a program on `from` reaches a port of `to`. */
  reach(from: string, to: string, port: number): Promise<Reach> {
    return this.net.reach(from, to, port);
  }

  /** Starts a program on a host of the network, which ends with the hosts. */
  start(host: string, words: readonly string[], env: Record<string, string> = this.env): ChildProcess {
    const [file = '', ...args] = [...this.net.prefix(host), ...words];
    const child = spawn(file, args, { stdio: 'pipe', cwd: this.folder, env });
    this.#kept.push(child);
    return child;
  }

  /** Does this at the end, the latest first, before what is left is looked for. */
  onEnd(cleaner: () => unknown): void {
    this.#cleaners.push(cleaner);
  }

  /** Takes everything down. @throws if anything was left behind or, with the places of the evidence, after a failure */
  async end(failed = false): Promise<void> {
    if (!existsSync(this.folder)) return;
    const problems: string[] = [];
    const guard = (step: Promise<unknown>) => step.catch((error: Error) => problems.push(error.message));
    for (const host of this.names) await guard(this.net.mend(host));
    await Promise.all([...this.labs.values()].map((lab) => guard(lab.end(failed))));
    for (const clean of this.#cleaners.splice(0).reverse()) await guard(Promise.resolve().then(clean));
    for (const child of this.#kept) {
      // A test may have stopped it.
      child.kill('SIGCONT');
      child.kill('SIGKILL');
    }
    const all = new Processes(this.folder);
    await guard(this.net.close());
    // A database that is killed leaves helpers, which notice.
    await guard(untilEnded('all processes of the hosts end', all.running, END_MS));
    problems.push(...(await this.net.end()));
    for (const { pid, command } of all.running) {
      problems.push(`process ${pid} is left: ${command}`);
      // It mentions this folder, so it was started here.
      signal(pid, 'SIGKILL');
    }
    if (!failed && problems.length === 0) {
      rmSync(this.folder, { recursive: true });
      return;
    }
    const evidence = `The evidence is kept in ${this.folder}.`;
    throw new Error([...problems, evidence].join('\n'));
  }
}
