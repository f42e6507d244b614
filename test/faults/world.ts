import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningCommand } from '../support/command.ts';
import { Lab } from '../support/lab.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { isRunning, signal } from '../support/processes.ts';
import { PATIENCE, pause } from '../support/until.ts';
import { Agent, KINDS } from './agent.ts';
import type { Told } from './evidence.ts';
import { Mounts } from './mounts.ts';
import type { Random } from './random.ts';
import { Ledger } from './told.ts';

/** How soon a living process must answer, in ms. */
const ANSWER_MS = 40_000 * PATIENCE;
/** Large enough for everything that is written, small enough to be filled quickly. */
const HOME_SIZE = '12m';
const REGISTRY_SIZE = '40m';

/** A job that was reported to a supervisor. */
export interface KnownJob {
  id: string;
  /** Its agent; absent for a person's job. */
  agent?: string | undefined;
}

/** What the ledger records with a call. */
export interface Subject {
  job?: string | undefined;
  token?: string | undefined;
  result?: string | undefined;
}

/** Left by a publisher that was killed while it kept an event: nobody was told of it, and hubs sweep it after a day. */
export const HALF_WRITTEN = /(?:^|outbox\/)\.[^/]+\.json\.tmp$/;

/** One lab with everything in it, and the only way to talk to the program. */
export class World {
  readonly lab: Lab;
  readonly ledger: Ledger;
  readonly mounts: Mounts;
  readonly random: Random;
  readonly jobs: KnownJob[] = [];
  readonly agents: Agent[] = [];
  /** Tasks whose file was removed, by job: what had to be typed is still checked. */
  readonly lostTasks = new Map<string, string>();
  /** Running commands, by process. */
  readonly commands = new Map<RunningCommand, string>();
  /** True once nothing new is started. */
  over = false;
  /** Hubs that were killed and tails that were torn. */
  tears = 0;
  readonly #servers = new Map<string, LabServer>();
  #shut: Promise<void> | undefined;
  readonly #starting = new Map<string, Promise<Agent>>();
  #started = 0;
  #tokens = 0;

  constructor(random: Random, env: Record<string, string>) {
    this.random = random;
    this.lab = new Lab({ MAM_HUB_IDLE_SECONDS: '3', ...env });
    const { folder, home, project } = this.lab;
    this.lab.expected.push(/^faults\.jsonl$/, /^agent-/, /^boot-id$/, /^second\//);
    // From a publisher that was killed before it could say what its text is for; `mam doctor` reports it.
    this.lab.expected.push(/^h\/spool\//, HALF_WRITTEN);
    this.ledger = new Ledger(join(folder, 'faults.jsonl'));
    this.mounts = new Mounts(join(folder, 'boot-id'));
    this.mounts.small(home, HOME_SIZE);
    this.lab.configure({ agents: KINDS });
    mkdirSync(join(project, '.mam'));
    this.mounts.small(join(project, '.mam'), REGISTRY_SIZE);
    this.lab.write('passes.sh', 'exit 0\n');
    this.lab.write('fails.sh', 'echo no; exit 3\n');
  }

  token(): string {
    this.#tokens++;
    return `token-${this.#tokens}-${this.random.whole(1000, 9999)}`;
  }

  /** Waits while the world is frozen. */
  async open(): Promise<void> {
    while (this.#shut !== undefined) await this.#shut;
  }

  /** Does something while nothing else is sent or started. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    let done = (): void => {};
    this.#shut = new Promise((resolve) => {
      done = resolve;
    });
    try {
      return await work();
    } finally {
      this.#shut = undefined;
      done();
    }
  }

  /** Every process of the lab is stopped except the tmux server; hubs are killed, or stopped as well. */
  frozen<T>(work: () => Promise<T>, hubs: 'killed' | 'stopped' = 'killed'): Promise<T> {
    return this.alone(async () => {
      const stopped = new Set<number>();
      try {
        for (let still = 0; still < 2; ) {
          const moving = this.lab.processes.filter(
            ({ pid, command }) => !stopped.has(pid) && !isTmux(command),
          );
          for (const { pid, command } of moving) {
            if (isHub(command) && hubs === 'killed') this.killHub(pid);
            else signal(pid, 'SIGSTOP');
            stopped.add(pid);
          }
          still = moving.length === 0 ? still + 1 : 0;
          await pause(10);
        }
        return await work();
      } finally {
        for (const pid of stopped) signal(pid, 'SIGCONT');
      }
    });
  }

  killHub(pid: number): void {
    this.lab.killedHubs.add(pid);
    this.tears++;
    signal(pid, 'SIGKILL');
  }

  /** The running servers, by the name of their place. */
  get servers(): [string, LabServer][] {
    return [...this.#servers].filter(([, server]) => isRunning(server.pid));
  }

  /** Calls a tool of the server in this place, which is started if none is running. */
  async ask(place: string, tool: string, args: object, about: Subject = {}): Promise<Told> {
    await this.open();
    const began = Date.now();
    let who = place;
    try {
      const server = await this.#server(place);
      who = `${place} (${server.pid})`;
      const result: Json = await limited(server.call(tool, args));
      const words = result.isError === true ? String(result.content[0].text) : undefined;
      const said =
        words === undefined
          ? { outcome: 'answer' as const, answer: result.structuredContent }
          : { outcome: 'refused' as const, words };
      return this.#told({ who, call: tool, args, began, ended: Date.now(), ...said }, about);
    } catch (error) {
      return this.#told(
        { who, call: tool, args, began, outcome: 'lost', words: (error as Error).message.slice(0, 300) },
        about,
      );
    }
  }

  /** Runs a command, `--json` added. @param env more of its environment */
  async run(
    words: string[],
    about: Subject & { input?: string; env?: Record<string, string>; who?: string } = {},
  ): Promise<Told> {
    await this.open();
    const began = Date.now();
    const running = this.lab.start([...words, '--json'], {
      input: about.input ?? '',
      ...(about.env && { env: about.env }),
    });
    const call = `mam ${words[0]}`;
    this.commands.set(running, call);
    const who = `${about.who ?? 'shell'} (${running.child.pid})`;
    try {
      const { code, stdout, stderr } = await limited(running.ended);
      const answer = jsonOf(stdout);
      const outcome = code === null ? 'lost' : answer === undefined ? 'refused' : 'answer';
      return this.#told(
        { who, call, args: words, began, ended: Date.now(), outcome, answer, words: stderr, code },
        about,
      );
    } catch (error) {
      running.child.kill('SIGKILL');
      return this.#told(
        { who, call, args: words, began, outcome: 'lost', words: (error as Error).message },
        about,
      );
    } finally {
      this.commands.delete(running);
    }
  }

  #told(told: Told, { job, token, result }: Subject): Told {
    const whole: Told = {
      ...told,
      job: job ?? told.answer?.job_id,
      token,
      ...(result !== undefined && { result: { sha256: createHash('sha256').update(result).digest('hex') } }),
    };
    this.ledger.take(whole);
    return whole;
  }

  async #server(place: string): Promise<LabServer> {
    const running = this.#servers.get(place);
    if (running !== undefined && isRunning(running.pid)) return running;
    const role = place.startsWith('reporter') ? { MAM_ROLE: 'peer' } : {};
    // Its agent is resumed: the same session, whichever process calls.
    const env = { CLAUDE_CODE_SESSION_ID: place, ...role };
    const server = this.lab.spawnServer(env, { clientName: place });
    this.#servers.set(place, server);
    await limited(server.initialize());
    return server;
  }

  /** The agent of this name; started if none is running. */
  async agent(name: string): Promise<Agent> {
    const living = this.agents.findLast((agent) => agent.name === name);
    if (living?.isAlive === true) return living;
    await this.open();
    const starting = this.#starting.get(name) ?? this.#startAgent(name);
    this.#starting.set(name, starting);
    return starting.finally(() => this.#starting.delete(name));
  }

  async #startAgent(name: string): Promise<Agent> {
    this.#started++;
    const agent = await Agent.start(this.lab, name, this.#started, this.random.whole(1, 1e9), PROGRAM);
    this.agents.push(agent);
    this.ledger.note('agent', { name, pane: agent.pane, log: agent.log });
    return agent;
  }

  /** A reboot: no old process runs, and the boot id changes. */
  newBootId(): void {
    const hex = (digits: number): string =>
      this.random
        .whole(0, 16 ** digits - 1)
        .toString(16)
        .padStart(digits, '0');
    writeFileSync(
      join(this.lab.folder, 'boot-id'),
      `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(8)}${hex(4)}\n`,
    );
  }

  get outbox(): string {
    return join(this.lab.home, 'outbox');
  }

  /** Files in the outbox that wait for a hub. */
  get waiting(): string[] {
    return existsSync(this.outbox) ? readdirSync(this.outbox).filter((name) => !HALF_WRITTEN.test(name)) : [];
  }

  /** Ids of the jobs in a folder of the registry, even while that is renamed. */
  read(jobId: string, file: string): string | undefined {
    const path = join(this.lab.registry, jobId, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }
}

export function isHub(command: string): boolean {
  return command.endsWith(' hub-process');
}

export function isTmux(command: string): boolean {
  return /(^|\/)tmux[: ]/.test(command);
}

/** @throws when it takes longer than a living process may */
async function limited<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(NO_ANSWER)), ANSWER_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the ledger says if a living process gave no answer. */
export const NO_ANSWER = `no answer in ${Math.round(ANSWER_MS / 1000)} s`;

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
