import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { builtIn, clearKeysOf } from '../../src/agents/index.ts';
import type { ShownPermission } from '../../src/agents/kind.ts';
import { dataOf } from '../../src/job/event.ts';
import { LIMITS } from '../../src/job/limits.ts';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { signal } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';
import { evidence } from './evidence.ts';
import type { AgentHome } from './homes/home.ts';
import { anthropic } from './model/anthropic.ts';
import { chat } from './model/chat.ts';
import { gemini } from './model/gemini.ts';
import { responses } from './model/responses.ts';
import type { Model, ModelRequest } from './model/script.ts';
import { type ModelServer, serveModel } from './model/server.ts';
import { inOneLine } from './one-line.ts';
import { programOf } from './programs.ts';

/** How long (ms) a model waits for the outcome of a decision, which may never be seen. */
const DECIDING_MS = 5_000;
/** Nobody answers a dialog sooner, and Claude Code ignores keys in its first 150 ms. */
const HUMAN_MS = 400;
/** How long (ms) an agent must show its box before its turn counts as ended. */
const SAID_MS = 300;
const STEADY_MS = 1_500;
/** How long a person looks at a prompt that stays in the box before pressing Enter again. */
const AGAIN_MS = 1_500;

/** A lab with one real agent: its program on the PATH, a private home, and a scripted model behind it. */
export class AgentLab extends Lab {
  readonly agent: AgentHome;
  readonly session: string;
  readonly #bin = join(this.folder, 'bin');
  readonly #agentHome = join(this.folder, 'home');
  #agentEnv: Record<string, string> = {};
  #model: ModelServer | undefined;
  #plan: Model = () => ({ say: 'As you wish.' });
  #hasSaid = false;
  readonly #asked: ModelRequest[] = [];

  constructor(agent: AgentHome) {
    super({ MAM_HUB_IDLE_SECONDS: '2' });
    this.agent = agent;
    const kind = builtIn(agent.kind);
    this.session = kind?.defaultSession ?? agent.kind;
    this.sessions.add(this.session);
    // The agent's own files: its configuration, its caches, and its temporary folder.
    this.expected.push(/^(home|bin)\//, /^h\/agents\//, /^p\/\.(claude|codex|gemini|opencode)\//);
    mkdirSync(this.#bin);
    mkdirSync(this.#agentHome);
    symlinkSync(programOf(agent), join(this.#bin, kind?.start?.program ?? agent.kind));
  }

  override get env(): Record<string, string> {
    const path = `${this.#bin}:${super.env['PATH']}`;
    return { ...super.env, HOME: this.#agentHome, PATH: path, TERM: 'screen-256color', ...this.#agentEnv };
  }

  /** What the model does from now on, replacing that of `prepare`. */
  serve(model: Model): void {
    this.#plan = model;
  }

  /** Serves the model, and starts a tmux server with the agent's environment. */
  async prepare(model: Model, options: { ask?: boolean; untrusted?: boolean } = {}): Promise<void> {
    this.serve(model);
    const recorded: Model = async (request) => {
      this.#asked.push(request);
      // A real model takes longer to continue than a scripted one, which could end the job before the outcome is seen.
      await until('the outcome of each decision is seen', () => !this.#isDeciding(), DECIDING_MS).catch(
        () => {},
      );
      this.#hasSaid = false;
      const step = await this.#plan(request);
      this.#hasSaid = 'say' in step;
      return step;
    };
    this.#model = await serveModel(recorded, [anthropic, responses, gemini, chat]);
    const { agent } = this;
    const chosen = { ask: options.ask ?? false, untrusted: options.untrusted ?? false };
    this.#agentEnv = agent.prepare(this.#agentHome, this.project, this.#model.url, chosen);
    const args = agent.args?.(chosen) ?? [];
    const command = [builtIn(agent.kind)?.start?.program ?? agent.kind, ...args];
    this.configure({ agents: args.length > 0 ? { [agent.kind]: { command } } : {} });
    await this.startSession('desk', 'exec sleep 100000');
  }

  /** True while the outcome of a decision is unknown. */
  #isDeciding(): boolean {
    const begun = this.jobIds().flatMap((id) => this.events(id));
    const ofType = (...types: string[]) =>
      begun.filter(({ type }) => types.includes(type)).map((event) => dataOf(event).request_id);
    const known = ofType('permission_resolved', 'decision_refused');
    return ofType('deciding').some((request) => !known.includes(request));
  }

  /** Starts the agent. @throws if it does not become ready */
  async startAgent(server: LabServer): Promise<void> {
    const started = await server.ask('start_agent', { agent: this.agent.kind });
    if (!started.ready) throw new Error(`not ready: ${started.waits_for}\n${await this.agentScreen()}`);
  }

  /** Starts the agent as a person does who has run `mam install` for it: without our hooks. */
  async startByHand(): Promise<void> {
    const { kind } = this.agent;
    this.expected.push(/^h\/installed\.json$/);
    const installed = await this.mam('install', kind);
    if (installed.code !== 0) throw new Error(installed.stderr);
    // Under Codex's shared process, the server would not know its pane.
    const args = kind === 'codex' ? ['--no-daemon'] : (this.agent.args?.({ ask: true }) ?? []);
    const program = builtIn(kind)?.start?.program ?? kind;
    await this.startSession(this.session, ['exec', program, ...args].join(' '));
    // A program that is just starting its servers may show its box but ignore Enter.
    await until('its server is in its pane', () => this.hasServer, 20_000);
  }

  /** True while a server of the agent's own has announced itself. */
  get hasServer(): boolean {
    const servers = join(this.home, 'servers');
    return existsSync(servers) && readdirSync(servers).length > 0;
  }

  /** Delegates a job to the agent. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  async job(server: LabServer, args: Record<string, unknown> = {}): Promise<any> {
    return server.ask('delegate_job', { prompt: 'Mend the roof', agent: this.agent.kind, ...args });
  }

  /** Requests to the model's server that no protocol handled, as `METHOD path`. */
  get strangers(): readonly string[] {
    return this.#model?.strangers ?? [];
  }

  /** What the agent's pane shows. */
  agentScreen(): Promise<string> {
    return this.tmux('capture-pane', '-p', '-J', '-t', `=${this.session}:`);
  }

  /** What the permission dialog in the agent's pane asks for, if there is one. */
  async dialog(): Promise<ShownPermission | undefined> {
    // An agent that overwrites old text leaves blanks after its words.
    const lines = (await this.agentScreen()).split('\n').map((line) => line.trimEnd());
    return inOneLine(builtIn(this.agent.kind)?.permission?.read(lines));
  }

  /**
   * Waits until the agent shows an empty box and keeps it: in mid-turn it may show one briefly. A person denies what it
   * asks for meanwhile, and clears a text from its box whose job has ended while it was typed.
   */
  async settle(server: LabServer): Promise<void> {
    const { permission } = builtIn(this.agent.kind) ?? {};
    const clearKeys = clearKeysOf(this.agent.kind, undefined, ' '.repeat(LIMITS.orderChars)) ?? [];
    let seen: { state?: string } | undefined;
    let asked = -1;
    let since = Date.now();
    let typed = 0;
    await until(`${this.agent.kind} is idle`, async () => {
      const { agents } = await server.ask('list_agents');
      seen = agents.find(({ agent }: { agent: string }) => agent === this.agent.kind);
      if (seen?.state !== 'idle' || asked !== this.#asked.length) since = Date.now();
      asked = this.#asked.length;
      if (Date.now() > since + (this.#hasSaid ? SAID_MS : STEADY_MS)) return true;
      // Pressed twice, the key would affect what comes next, and quit some agents.
      if (Date.now() > typed + AGAIN_MS) {
        const isAsked = (await this.dialog()) !== undefined;
        if (isAsked || seen?.state === 'draft') {
          await pause(HUMAN_MS);
          if (isAsked) for (const key of permission?.deny ?? []) await this.type(key);
          else await this.type(...clearKeys);
          typed = Date.now();
        }
      }
      await pause(100);
      return false;
    }).catch((error: Error) => {
      throw new Error(`${error.message}, it is ${JSON.stringify(seen)}`);
    });
  }

  /** Types into the agent's pane, as a person would. */
  async type(...keys: string[]): Promise<void> {
    await this.tmux('send-keys', '-t', `=${this.session}:`, ...keys);
  }

  /**
   * Types a prompt into the agent's pane, as a person would, and waits until its model has it. Gemini CLI treats an
   * immediate Enter as part of a paste, and a program that is starting its servers may ignore Enter: like a person,
   * this presses it again.
   * @throws if the model is not asked
   */
  async say(prompt: string, ms = 30_000): Promise<void> {
    const before = this.#asked.length;
    const taken = () =>
      this.#asked.slice(before).some(({ prompts }) => prompts.some((text) => text.includes(prompt)));
    // Text typed before it shows its box may be lost.
    const { screen } = builtIn(this.agent.kind) ?? {};
    await until('it shows its box', async () => screen?.ready?.test(await this.#rows()) === true);
    await this.type('-l', prompt);
    await this.shows(prompt);
    await pause(builtIn(this.agent.kind)?.settleMs ?? 0);
    const end = Date.now() + ms;
    do {
      await this.type('Enter');
      await until('its model is asked', taken, AGAIN_MS).catch(() => {});
    } while (!taken() && Date.now() < end);
    if (!taken()) throw new Error(`"${prompt}" was not taken within ${ms} ms\n${await this.agentScreen()}`);
  }

  /** Waits until the screen shows a turn: some agents ask their model before they show that they are busy. */
  async showsWork(): Promise<void> {
    const { screen } = builtIn(this.agent.kind) ?? {};
    await until('it shows that it works', async () => screen?.busy?.test(await this.#rows()) === true);
  }

  /** The screen as the patterns of a kind expect it: without blanks at the ends of rows. */
  async #rows(): Promise<string> {
    return (await this.agentScreen()).replace(/ +$/gm, '');
  }

  /** Waits until the agent's screen shows something. */
  async shows(pattern: RegExp | string, ms = 20_000): Promise<void> {
    let screen = '';
    await until(
      `the screen shows ${pattern}`,
      async () => {
        screen = await this.agentScreen();
        return typeof pattern === 'string' ? screen.includes(pattern) : pattern.test(screen);
      },
      ms,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${screen}`);
    });
  }

  /** Ends the agent with its pane, as a power cut does. */
  async endAgent(): Promise<void> {
    await this.tmux('kill-session', '-t', `=${this.session}`).catch(() => {});
    const ours = () =>
      this.processes.filter(
        ({ command }) => !/(^|\/)tmux[: ]| hub-process$|^sleep |dist\/main\.js$/.test(command),
      );
    for (const name of ['SIGTERM', 'SIGKILL'] as const) {
      await until('the agent ends', () => ours().length === 0, 1_500).catch(() => {});
      // Gemini CLI outlives its pane; all of these processes mention this lab's folder.
      for (const { pid } of ours()) signal(pid, name);
    }
  }

  override async end(failed = false, graceMs?: number): Promise<void> {
    // Faults that only show at the end: by then the evidence would be gone.
    const seen = await evidence(this);
    // First: one of its hooks that waits for a decision would start a hub again.
    await this.endAgent();
    await this.#model?.close();
    await super.end(failed, graceMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${seen}`);
    });
  }
}
