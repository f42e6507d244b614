import type { CallToolResult, Result } from '@modelcontextprotocol/sdk/types.js';
import { tools as allTools } from '../../tools/index.ts';
import { MamError } from '../base/errors.ts';
import { clean, cleanAll } from '../base/text.ts';
import { hasLiveJobs } from '../registry/home.ts';
import { callIdOf, identifyCaller } from '../tool/caller.ts';
import type { Caller, Client, Role, Tool, ToolContext } from '../tool/tool.ts';
import { toolWords } from '../view/tool-words.ts';
import { parseArguments } from './arguments.ts';
import { Catalog } from './catalog.ts';
import { LiveSettings } from './live-settings.ts';
import type { Notify } from './offers/offers.ts';
import type { HubConnection } from './session/engine.ts';
import { asProtocolError } from './wire/protocol-error.ts';
import { logError } from './wire/stderr.ts';

const RESTART =
  'The realm has changed since this MCP server started. Restart the server to use the new realm.';

/** How long new jobs are collected, in ms, before the client is notified that its list of resources is outdated. */
const LIST_CHANGED_DELAY_MS = 200;

/** Per-request context. */
export interface Surroundings {
  client: Client;
  meta: Record<string, unknown> | undefined;
  signal: AbortSignal;
}

/** Everything that calls need but the handshake does not: loaded with the first call. */
export class Work {
  /** Sends the client a notification; set by the server. */
  notify: Notify = async () => {};
  readonly #catalog: Catalog;
  readonly #settings = new LiveSettings();
  #engine: HubConnection | undefined;
  readonly #madeEngine = once(async () => {
    const { HubConnection } = await import('./session/engine.ts');
    this.#engine = new HubConnection(await this.#settings.now(), () => this.#settings.now());
    this.#engine.onDelegated(() => this.#listChanged());
    return this.#engine;
  });
  #gathering: NodeJS.Timeout | undefined;
  #channel: Promise<void> | undefined;
  readonly #madeOffers = once(async () => {
    const { Offers } = await import('./offers/offer-work.ts');
    return new Offers({
      engine: () => this.#liveEngine(),
      made: () => this.#engine,
      notify: (notification) => this.notify(notification),
      listChanged: () => this.#listChanged(),
    });
  });

  constructor(role: Role, tools: readonly Tool[] = allTools) {
    this.#catalog = new Catalog(tools, role);
  }

  blocks(name: string): boolean {
    return this.#catalog.blocks(name);
  }

  /** Runs one call. The only catch: every failure becomes an answer that a model can use. */
  async call(
    params: { name: string; arguments?: unknown },
    surroundings: Surroundings & Pick<ToolContext, 'progress'>,
  ): Promise<CallToolResult> {
    try {
      const tool = this.#catalog.find(params.name);
      const args = parseArguments(tool, params.arguments);
      const { client, meta, signal, progress } = surroundings;
      const engine = await this.#liveEngine();
      const caller = identifyCaller(await this.#settings.now(), client, meta);
      if (caller.channel) await this.#openChannel(engine, caller);
      const output = await tool.handle(args, { engine, caller, signal, callId: callIdOf(meta), progress });
      return answer(tool, withNotice(output, await this.#notice()));
    } catch (error) {
      const text = `${errorText(error)} ${await this.#notice()}`.trim();
      return { isError: true, content: [{ type: 'text', text }] };
    }
  }

  /** Answers a request that is not about a tool. @throws ProtocolError, with a sentence that a client can show */
  async ask(method: string, params: Record<string, unknown>, surroundings: Surroundings): Promise<Result> {
    try {
      const { client, meta, signal } = surroundings;
      await this.#engine?.renew();
      const caller = identifyCaller(await this.#settings.now(), client, meta);
      return await (await this.#madeOffers()).answer(method, params, { caller, signal });
    } catch (error) {
      throw asProtocolError(error);
    }
  }

  /** Opens the client's channel, if it has one, and notifies it of changes to its session's jobs. */
  async openChannel(client: Client): Promise<void> {
    const settings = await this.#settings.now();
    const caller = identifyCaller(settings, client, undefined);
    // Without a job, nothing is connected or started before the first request.
    if (caller.channel && hasLiveJobs(settings.home))
      await this.#openChannel(await this.#liveEngine(), caller);
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }

  /** The engine with the current settings. */
  async #liveEngine(): Promise<HubConnection> {
    const engine = await this.#madeEngine();
    await engine.renew();
    return engine;
  }

  /** Which project settings were ignored, and what needs a restart. Never fails a call that has succeeded. */
  async #notice(): Promise<string> {
    const now = await this.#settings.now().catch(() => undefined);
    if (now === undefined) return '';
    const { ignored, realm } = now;
    const notices = ignored === undefined ? [] : [ignored.what, ignored.model];
    if (this.#engine !== undefined && this.#engine.realm !== realm) notices.push(RESTART);
    return notices.join(' ');
  }

  #openChannel(engine: HubConnection, caller: Caller): Promise<void> {
    this.#channel ??= import('./offers/channel.ts').then(({ openChannel }) =>
      openChannel(engine, caller.session, (message) => this.notify(message)),
    );
    return this.#channel;
  }

  #listChanged(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.notify({ method: 'notifications/resources/list_changed' }).catch(() => {});
    }, LIST_CHANGED_DELAY_MS);
  }
}

/** Adds the notice to the summary of an answer: the user may rely on settings that were ignored. */
function withNotice<T>(output: T, notice: string): T {
  if (notice === '') return output;
  const { summary } = output as { summary?: unknown };
  return { ...output, summary: `${typeof summary === 'string' ? summary : ''} ${notice}`.trim() };
}

/**
 * A tool's output in MCP's form: `structuredContent`, and the same JSON as text, because some clients show their model
 * only one of them. Fields that the schema does not name are dropped: a newer hub may send more, and clients validate
 * answers.
 */
function answer(tool: Tool, output: Record<string, unknown>): CallToolResult {
  // Everything that a model reads is made harmless. Only the task stays byte for byte: it is the order itself.
  const { task, ...rest } = output;
  const structuredContent = tool.outputSchema.parse({ ...cleanAll(rest), task });
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

/** The text of an expected error; an unexpected one is reported without details. */
function errorText(error: unknown): string {
  if (error instanceof MamError) return clean(toolWords(error.text));
  logError('unexpected', error);
  return 'The server encountered an unexpected error; its log (stderr) has the details. Try again, and report it if it persists.';
}

/** Calls `make` once and keeps its result, but not a failure: a setting may be fixed meanwhile. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
