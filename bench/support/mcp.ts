import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

// biome-ignore lint/suspicious/noExplicitAny: benches look into answers freely
type Answer = any;

/** A raw JSON-RPC client of an MCP server on stdio. */
export class Mcp {
  readonly child: ChildProcessWithoutNullStreams;
  /** Length of the newest answer, in characters. */
  lastLength = 0;
  readonly #waiting = new Map<number, (message: Answer) => void>();
  #rest = '';
  #id = 0;

  /** @param program what Node runs, with its arguments */
  constructor(program: string[], env: NodeJS.ProcessEnv, cwd: string) {
    this.child = spawn(process.execPath, program, { env, cwd });
    this.child.stdin.on('error', () => {});
    this.child.stderr.resume();
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** @returns what the server says of itself */
  async initialize(): Promise<Answer> {
    const clientInfo = { name: 'bench', version: '1' };
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const result = await this.request('initialize', params);
    this.#send({ method: 'notifications/initialized' });
    return result;
  }

  request(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      this.#send({ id, method, params });
    });
  }

  /** Calls a tool. @returns its structured content @throws with the text of an error */
  async call(name: string, args: object = {}): Promise<Answer> {
    const { isError, content, structuredContent } = await this.request('tools/call', {
      name,
      arguments: args,
    });
    if (isError === true) throw new Error(`${name}: ${content[0].text}`);
    return structuredContent;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 2_000);
    await exited;
    clearTimeout(timer);
  }

  #send(message: object): void {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.method !== undefined) continue;
      this.lastLength = line.length;
      const settle = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      settle?.(message);
    }
  }
}
