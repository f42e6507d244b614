import { type Host, type HostContext, Refusal } from './host.ts';

interface HostEvents {
  onContext(context: HostContext): void;
  /** The arguments of the call that opened the page. */
  onInput(args: Record<string, unknown>): void;
  /** The answer of that call. */
  onResult(answer: Record<string, unknown>): void;
  /** The page is about to be removed. */
  onEnd(): void;
}

interface Message {
  jsonrpc?: unknown;
  id?: number | string;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the client sends; every field is checked before it is used
  params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  result?: any;
  error?: { message?: unknown };
}

const VERSION = '2026-01-26';
const NO_METHOD = -32601;

/** The client that shows the page: MCP Apps' messages over `postMessage`. The page talks to nothing else. */
export class McpHost implements Host {
  /** True if the client passes tool calls on to the server. */
  calls = false;
  context: HostContext = {};
  readonly isPersons = false;
  readonly #events: HostEvents;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #lastId = 0;

  constructor(events: HostEvents) {
    this.#events = events;
    addEventListener('message', ({ source, data }: MessageEvent) => {
      if (source === parent && data?.jsonrpc === '2.0') this.#onMessage(data as Message);
    });
  }

  /** Introduces the page. @throws if the client refuses it */
  async connect(version: string): Promise<void> {
    const { hostCapabilities, hostContext } = await this.#request('ui/initialize', {
      protocolVersion: VERSION,
      appInfo: { name: 'mam-board', version },
      appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
    });
    this.calls = hostCapabilities?.serverTools !== undefined;
    this.#merge(hostContext);
    this.#send({ method: 'ui/notifications/initialized', params: {} });
  }

  async call<T>(name: string, args: Record<string, unknown>, ms?: number): Promise<T> {
    const result = await this.#request('tools/call', { name, arguments: args }, ms);
    const answer = answerOf(result);
    if (result?.isError === true) throw new Refusal(String(result.content?.[0]?.text ?? 'The call failed.'));
    if (answer === undefined) throw new Error('The answer is empty.');
    return answer as T;
  }

  /** Reports the size of the page, in pixels. */
  sized(width: number, height: number): void {
    this.#send({ method: 'ui/notifications/size-changed', params: { width, height } });
  }

  async show(mode: string): Promise<void> {
    const { mode: displayMode } = await this.#request('ui/request-display-mode', { mode });
    this.#merge({ displayMode });
  }

  #request(method: string, params: object, ms?: number): Promise<NonNullable<Message['result']>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#waiting.delete(id);
        reject(new Error('No answer in time.'));
      };
      const timer = ms === undefined ? undefined : setTimeout(late, ms);
      this.#waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(String(error?.message ?? 'The call failed.')));
      });
      this.#send({ id, method, params });
    });
  }

  #send(message: object): void {
    // A page cannot know which origin shows it; nothing that it sends is secret from its client.
    parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }

  #onMessage(message: Message): void {
    const { id, method, params = {} } = message;
    if (method === undefined) {
      const done = this.#waiting.get(id as number);
      this.#waiting.delete(id as number);
      done?.(message);
    } else if (id !== undefined) this.#answer(id, method);
    else if (method === 'ui/notifications/host-context-changed') this.#merge(params);
    else if (method === 'ui/notifications/tool-input') this.#events.onInput(params.arguments ?? {});
    else if (method === 'ui/notifications/tool-result') {
      const answer = params.isError === true ? undefined : answerOf(params);
      if (answer !== undefined) this.#events.onResult(answer);
    }
  }

  #answer(id: number | string, method: string): void {
    if (method === 'ui/resource-teardown') this.#events.onEnd();
    else if (method !== 'ping') {
      this.#send({ id, error: { code: NO_METHOD, message: 'Method not found' } });
      return;
    }
    this.#send({ id, result: {} });
  }

  #merge(part: HostContext | undefined): void {
    this.context = { ...this.context, ...part };
    this.#events.onContext(this.context);
  }
}

/** A tool's structured answer; some clients pass on only its text, which is the same JSON. */
function answerOf(result: Message['result']): Record<string, unknown> | undefined {
  if (typeof result?.structuredContent === 'object' && result.structuredContent !== null)
    return result.structuredContent;
  try {
    return JSON.parse(result?.content?.[0]?.text);
  } catch {
    return undefined;
  }
}
