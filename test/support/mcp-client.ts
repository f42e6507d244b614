import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PATIENCE } from './until.ts';

/** More than the longest wait of a test, less than a test may take. */
const ANSWER_MS = 100_000 * PATIENCE;
const END_MS = 10_000 * PATIENCE;
/** The built program. */
export const PROGRAM = resolve(import.meta.dirname, '../../dist/main.js');

export interface Message {
  jsonrpc: '2.0';
  id?: string | number | null;
  method?: string;
  params?: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  result?: any;
  error?: { code: number; message: string };
}

export interface StartOptions {
  env?: Record<string, string>;
  clientName?: string;
  /** The client's capabilities at `initialize`. */
  capabilities?: Record<string, unknown>;
  /** Words before its command, which run it elsewhere. */
  prefix?: readonly string[];
  /** Another program than the built one, such as a server with a tool made for a test. */
  program?: string[];
  /** The caller's working folder, which stays; otherwise one is made, and removed at the end. */
  folder?: string;
}

/** A raw JSON-RPC client of a server on real stdio, with its own home, project and environment. */
export class McpClient {
  readonly child: ChildProcessWithoutNullStreams;
  readonly home: string;
  readonly project: string;
  /** Every line of stdout, unchanged. */
  readonly lines: string[] = [];
  readonly messages: Message[] = [];
  stderr = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; at: number }>;
  readonly #folder: string;
  readonly #keepsFolder: boolean;
  readonly #clientName: string;
  readonly #capabilities: Record<string, unknown>;
  /** The first answer with each id. */
  readonly #answers = new Map<Message['id'], Message>();
  /** What continues when the answer with this id arrives, or the server ends. */
  readonly #waiting = new Map<Message['id'], (() => void)[]>();
  readonly #foreign: string[] = [];
  #rest = '';
  #nextId = 1;
  #wake: (() => void)[] = [];
  #over: string | undefined;

  constructor(options: StartOptions = {}) {
    this.#keepsFolder = options.folder !== undefined;
    this.#folder = options.folder ?? mkdtempSync(join(tmpdir(), 'mam-mcp-'));
    this.home = join(this.#folder, 'home');
    this.project = this.#folder;
    this.#clientName = options.clientName ?? 'test';
    this.#capabilities = options.capabilities ?? {};
    const program = [process.execPath, ...(options.program ?? [PROGRAM])];
    const [file = '', ...words] = [...(options.prefix ?? []), ...program];
    this.child = spawn(file, words, {
      cwd: this.project,
      env: { PATH: process.env['PATH'], HOME: this.#folder, MAM_HOME: this.home, ...options.env },
    });
    this.exited = new Promise((done) => {
      this.child.once('close', (code, signal) => {
        this.#over = `the server ended with ${code ?? signal}`;
        for (const id of this.#waiting.keys()) this.#goOn(id);
        this.#wakeAll();
        done({ code, signal, at: Date.now() });
      });
    });
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wakeAll();
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Sends `initialize` and `notifications/initialized`; returns the result of the first. */
  async initialize(): Promise<Message> {
    const answer = await this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: this.#capabilities,
      clientInfo: { name: this.#clientName, version: '1' },
    });
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  /** Sends a request and waits for its answer. */
  request(method: string, params?: Record<string, unknown>): Promise<Message> {
    const id = this.#nextId++;
    this.send({ jsonrpc: '2.0', id, method, ...(params && { params }) });
    return this.answer(id);
  }

  /** Calls a tool; returns its result. @throws on a protocol error */
  async call(name: string, args: object = {}, meta?: Record<string, unknown>) {
    const { result, error } = await this.request('tools/call', {
      name,
      arguments: args,
      ...(meta && { _meta: meta }),
    });
    if (error !== undefined) throw new Error(`${name}: ${error.message}`);
    return result;
  }

  /** The answer to a request that was already sent. @throws after `ANSWER_MS`, or if the server has ended without it */
  answer(id: string | number | null): Promise<Message> {
    const answer = this.#wait(
      () => this.#answers.get(id),
      (goOn) => this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), goOn]),
    );
    // A test that ends early does not wait for its answers.
    answer.catch(() => {});
    return answer;
  }

  send(message: object): void {
    this.raw(`${JSON.stringify(message)}\n`);
  }

  raw(text: string | Buffer): void {
    this.child.stdin.write(text);
  }

  /** Waits until `look` finds something. @throws after `ANSWER_MS`, or if the server has ended without it */
  until<T>(look: () => T | undefined): Promise<T> {
    return this.#wait(look, (goOn) => this.#wake.push(goOn));
  }

  async #wait<T>(look: () => T | undefined, onNews: (goOn: () => void) => void): Promise<T> {
    let late = false;
    let goOn = (): void => {};
    const timer = setTimeout(() => {
      late = true;
      goOn();
    }, ANSWER_MS);
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        const why = this.#over ?? (late ? `nothing came in ${ANSWER_MS} ms` : undefined);
        if (why !== undefined) throw new Error(`${why}; stderr: ${this.stderr}`);
        await new Promise<void>((resolve) => {
          goOn = resolve;
          onNews(resolve);
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the client and removes its files. @throws if it did not end by itself, or if stdout had anything but protocol */
  async close(): Promise<void> {
    const wasKilled = this.child.killed;
    // A test may have stopped it.
    this.child.kill('SIGCONT');
    this.child.stdin.end();
    let forced = false;
    const timer = setTimeout(() => {
      forced = this.child.kill('SIGKILL');
    }, END_MS);
    const { signal } = await this.exited;
    clearTimeout(timer);
    if (!this.#keepsFolder) rmSync(this.#folder, { recursive: true, force: true });
    if (signal !== null && (forced || !wasKilled))
      throw new Error(`the server was ended by ${signal}: ${this.stderr}`);
    const [foreign] = this.#foreign;
    if (foreign !== undefined) throw new Error(`not protocol on stdout: ${foreign.slice(0, 200)}`);
    if (this.#rest !== '') throw new Error(`half a line on stdout: ${this.#rest.slice(0, 200)}`);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.lines.push(line);
      const message = protocolOf(line);
      if (message === undefined) {
        this.#foreign.push(line);
        continue;
      }
      this.messages.push(message);
      if (message.method !== undefined || this.#answers.has(message.id)) continue;
      this.#answers.set(message.id, message);
      this.#goOn(message.id);
    }
    this.#wakeAll();
  }

  #goOn(id: Message['id']): void {
    for (const goOn of this.#waiting.get(id) ?? []) goOn();
    this.#waiting.delete(id);
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function protocolOf(line: string): Message | undefined {
  try {
    const message = JSON.parse(line) as Message;
    return message.jsonrpc === '2.0' ? message : undefined;
  } catch {
    return undefined;
  }
}
