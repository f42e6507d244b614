import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PATIENCE } from './until.ts';

const ANSWER_MS = 30_000 * PATIENCE;
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
  /** What the client says it can, at `initialize`. */
  capabilities?: Record<string, unknown>;
  /** Another program than the built one, such as a server with a tool made for a test. */
  program?: string[];
  /** A folder of the caller's to work in, which stays; else one is made, and removed at the end. */
  folder?: string;
}

/** A raw JSON-RPC client of a server on real stdio, with a home, a project and an environment of its own. */
export class McpClient {
  readonly child: ChildProcessWithoutNullStreams;
  readonly home: string;
  readonly project: string;
  /** Every line of stdout, as it came. */
  readonly lines: string[] = [];
  readonly messages: Message[] = [];
  stderr = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; at: number }>;
  readonly #folder: string;
  readonly #keepsFolder: boolean;
  readonly #clientName: string;
  readonly #capabilities: Record<string, unknown>;
  #rest = '';
  #nextId = 1;
  #wake: (() => void)[] = [];

  constructor(options: StartOptions = {}) {
    this.#keepsFolder = options.folder !== undefined;
    this.#folder = options.folder ?? mkdtempSync(join(tmpdir(), 'mam-mcp-'));
    this.home = join(this.#folder, 'home');
    this.project = this.#folder;
    this.#clientName = options.clientName ?? 'test';
    this.#capabilities = options.capabilities ?? {};
    this.child = spawn(process.execPath, options.program ?? [PROGRAM], {
      cwd: this.project,
      env: { PATH: process.env['PATH'], HOME: this.#folder, MAM_HOME: this.home, ...options.env },
    });
    this.exited = new Promise((done) => {
      this.child.once('close', (code, signal) => done({ code, signal, at: Date.now() }));
    });
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wakeAll();
    });
  }

  /** Sends `initialize` and `notifications/initialized`; gives the result of the first. */
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

  /** Calls a tool; gives its result. */
  async call(name: string, args: Record<string, unknown> = {}, meta?: Record<string, unknown>) {
    const answer = await this.request('tools/call', { name, arguments: args, ...(meta && { _meta: meta }) });
    return answer.result;
  }

  /** The answer to a request that was sent already. */
  answer(id: string | number | null): Promise<Message> {
    return this.until(() => this.messages.find((message) => message.id === id && !message.method));
  }

  send(message: object): void {
    this.raw(`${JSON.stringify(message)}\n`);
  }

  raw(text: string | Buffer): void {
    this.child.stdin.write(text);
  }

  /** Waits until `look` finds something. @throws after `ANSWER_MS`, or when the server has ended without it */
  async until<T>(look: () => T | undefined): Promise<T> {
    let over: string | undefined;
    const timer = setTimeout(() => {
      over = `nothing came in ${ANSWER_MS} ms`;
      this.#wakeAll();
    }, ANSWER_MS);
    void this.exited.then(({ code, signal }) => {
      over = `the server ended with ${code ?? signal}`;
      this.#wakeAll();
    });
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (over !== undefined) throw new Error(`${over}; stderr: ${this.stderr}`);
        await new Promise<void>((wake) => this.#wake.push(wake));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the client and removes what it had. @throws when stdout had anything but protocol */
  async close(): Promise<void> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000 * PATIENCE);
    await this.exited;
    clearTimeout(timer);
    if (!this.#keepsFolder) rmSync(this.#folder, { recursive: true, force: true });
    const foreign = this.lines.find((line) => !isProtocol(line));
    if (foreign !== undefined) throw new Error(`not protocol on stdout: ${foreign.slice(0, 200)}`);
    if (this.#rest !== '') throw new Error(`half a line on stdout: ${this.#rest.slice(0, 200)}`);
  }

  #take(text: string): void {
    this.#rest += text;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.lines.push(line);
      if (isProtocol(line)) this.messages.push(JSON.parse(line) as Message);
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function isProtocol(line: string): boolean {
  try {
    return (JSON.parse(line) as Message).jsonrpc === '2.0';
  } catch {
    return false;
  }
}
