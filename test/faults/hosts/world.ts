import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningCommand } from '../../support/command.ts';
import type { Broker, BrokerOptions } from '../../support/hosts/broker.ts';
import type { HostLab } from '../../support/hosts/host-lab.ts';
import { type Hosts, hosts } from '../../support/hosts/hosts.ts';
import { MosquittoBroker } from '../../support/hosts/mosquitto.ts';
import { NatsBroker } from '../../support/hosts/nats.ts';
import { RabbitmqBroker } from '../../support/hosts/rabbitmq.ts';
import { Sshd } from '../../support/hosts/sshd.ts';
import type { Json, LabServer } from '../../support/lab-server.ts';
import { PROGRAM } from '../../support/mcp-client.ts';
import { isRunning } from '../../support/processes.ts';
import { PATIENCE, until } from '../../support/until.ts';
import { Agent } from '../agent.ts';
import { Mounts } from '../mounts.ts';
import type { Random } from '../random.ts';
import type { Way } from './ways.ts';

/** A call to a living process is answered within this time, in ms: a delegation alone may take 20 s. */
const ANSWER_MS = 60_000 * PATIENCE;
/** The panes of each host; the same names everywhere, so that only the host tells them apart. */
export const PANES = ['alpha', 'beta'] as const;

/** An order that somebody tried to give. */
export interface Order {
  from: string;
  to: string;
  /** In its prompt, and nowhere else. */
  token: string;
  /** `unknown`: nobody answered, or it was cut short. */
  outcome: 'taken' | 'unconfirmed' | 'refused' | 'unknown';
  words?: string;
  jobId?: string;
}

/** A command that waits for something. */
export interface Waiting {
  what: string;
  host: string;
  jobId: string;
  running: RunningCommand;
}

/** The hosts of one run, with everything in them. */
export class HostsWorld {
  readonly net: Hosts;
  readonly way: Way;
  readonly broker: Broker | undefined;
  readonly random: Random;
  readonly orders: Order[] = [];
  readonly waiting: Waiting[] = [];
  readonly agents = new Map<string, Agent[]>();
  readonly sshds = new Map<string, Sshd>();
  /** Final jobs of which `wait_job` told, by host. */
  readonly told = new Map<string, Set<string>>();
  readonly problems: string[] = [];
  readonly faults = new Map<string, number>();
  readonly mounts: Mounts;
  over = false;
  readonly #servers = new Map<string, LabServer>();
  #tokens = 0;

  private constructor(net: Hosts, way: Way, broker: Broker | undefined, random: Random) {
    this.net = net;
    this.way = way;
    this.broker = broker;
    this.random = random;
    this.mounts = new Mounts(join(net.folder, 'boot-id'));
  }

  static async make(
    random: Random,
    way: Way,
    names: readonly string[],
    options: BrokerOptions,
  ): Promise<HostsWorld> {
    const net = await hosts(names, {
      env: { MAM_HOST_GRACE_SECONDS: '3', MAM_HUB_IDLE_SECONDS: '3' },
    });
    try {
      const make = { mosquitto: MosquittoBroker, nats: NatsBroker, rabbitmq: RabbitmqBroker };
      const broker = way === 'ssh' ? undefined : await make[way].make(net, options);
      await broker?.start();
      const world = new HostsWorld(net, way, broker, random);
      for (const name of names) await world.#prepare(name);
      if (way === 'ssh') await world.#openSsh();
      for (const lab of world.labs) for (const pane of PANES) await world.startAgent(lab, pane);
      return world;
    } catch (error) {
      await net.end(true).catch(() => {});
      throw error;
    }
  }

  get labs(): HostLab[] {
    return [...this.net.labs.values()];
  }

  lab(host: string): HostLab {
    return this.net.lab(host);
  }

  note(what: string, more: object = {}): void {
    appendFileSync(
      join(this.net.folder, 'faults.jsonl'),
      `${JSON.stringify({ at: new Date(), what, ...more })}\n`,
    );
  }

  token(): string {
    this.#tokens++;
    return `token-${this.#tokens}-${this.random.whole(1000, 9999)}`;
  }

  /** The supervisor of a host; one that died is started again as the same session. */
  async server(host: string, place = 'supervisor'): Promise<LabServer> {
    const key = `${host} ${place}`;
    const known = this.#servers.get(key);
    if (known !== undefined && isRunning(known.pid)) return known;
    const server = this.lab(host).spawnServer({ CLAUDE_CODE_SESSION_ID: place }, { clientName: place });
    this.#servers.set(key, server);
    await limited(server.initialize());
    return server;
  }

  /** Calls a tool. @returns its answer, or its refusal as `words`, or nothing if nobody answered */
  async ask(
    host: string,
    tool: string,
    args: object,
    place?: string,
  ): Promise<{ answer?: Json; words?: string }> {
    try {
      const server = await this.server(host, place);
      const result: Json = await limited(server.call(tool, args));
      if (result.isError === true) return { words: String(result.content[0].text) };
      return { answer: result.structuredContent };
    } catch (error) {
      const words = (error as Error).message;
      if (words === LATE) {
        this.problems.push(`hang: ${tool} on ${host} got no answer: ${JSON.stringify(args).slice(0, 200)}`);
        this.note('no answer', { host, tool, args });
      }
      return {};
    }
  }

  /** Starts an agent in a pane of this name. */
  async startAgent(lab: HostLab, pane: string): Promise<Agent> {
    const all = this.agents.get(lab.host) ?? [];
    const agent = await Agent.start(lab, pane, all.length + 1, this.random.whole(1, 1e9), PROGRAM);
    this.agents.set(lab.host, [...all, agent]);
    return agent;
  }

  get files(): string[] {
    return this.labs.flatMap((lab) => {
      const outbox = join(lab.home, 'outbox');
      return existsSync(outbox)
        ? readdirSync(outbox)
            .filter((name) => name.endsWith('.json'))
            .map((name) => `${lab.host} ${name}`)
        : [];
    });
  }

  hubLog(host: string): string {
    const path = join(this.lab(host).home, 'hub.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async end(failed: boolean): Promise<string[]> {
    const problems: string[] = [];
    for (const lab of this.labs) {
      const hidden = async () => /^_mam-/m.test(await lab.tmux('list-sessions', '-F', '#S').catch(() => ''));
      for (const { pid } of lab.hubProcesses) process.kill(pid, 'SIGTERM');
      await until('the hidden sessions end', async () => !(await hidden()), 8_000 * PATIENCE).catch(() => {});
    }
    // A folder in which something is mounted can't be removed.
    await this.net.end(true).catch((error: Error) => problems.push(...error.message.split('\n')));
    this.mounts.end();
    const left = problems.filter(
      (line) => !/^(The evidence is kept|the server was ended by SIGKILL)/.test(line),
    );
    if (!failed && left.length === 0)
      for (const { folder } of [this.net, ...this.labs]) rmSync(folder, { recursive: true, force: true });
    return left;
  }

  async #prepare(name: string): Promise<void> {
    const lab = this.lab(name);
    this.mounts.small(lab.home, '16m');
    mkdirSync(join(lab.project, '.mam'));
    this.mounts.small(join(lab.project, '.mam'), '24m');
    lab.expected.push(
      /^agent-/,
      /^h\/spool\//,
      /(?:^|outbox\/)\.[^/]+\.json\.tmp$/,
      /^(moved|boot-id)/,
      /^h\/project\/jobs/,
    );
    if (this.broker !== undefined) lab.more = await this.broker.env(name);
    const may = {
      delegate: true,
      decide: true,
      workdirs: [lab.project],
      sessions: PANES.map((pane) => `tmux:${pane}`),
    };
    const others = this.net.names.filter((one) => one !== name);
    lab.configure({
      hosts: Object.fromEntries(others.map((one) => [one, this.way === 'ssh' ? { ssh: one } : { may }])),
    });
  }

  async #openSsh(): Promise<void> {
    for (const host of this.net.names) {
      const sshd = await Sshd.start(this.net, host);
      this.sshds.set(host, sshd);
      for (const from of this.net.names) if (from !== host) await sshd.letIn(from);
    }
  }
}

const LATE = `no answer in ${Math.round(ANSWER_MS / 1000)} s`;

/** @throws when it takes longer than a living process may */
async function limited<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(LATE)), ANSWER_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
