import type { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  isInitializeRequest,
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { systemCode } from '../../base/errors.ts';
import { isObject, parseJson } from '../../base/json.ts';
import { LineAssembler, type LineSink, MAX_LINE_BYTES } from './lines.ts';
import { logLine } from './stderr.ts';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;
const NOT_JSON = 'Parse error: the line is not JSON. Send one JSON-RPC message per line.';
const BAD_INITIALIZE =
  'initialize needs `protocolVersion` (a string), `capabilities` (an object) and `clientInfo` (an object with `name` and `version`).';
const ID = String.raw`"id"\s*:\s*("(?:[^"\\]|\\.){0,200}"|-?\d{1,15})`;
const OTHER = String.raw`"(?:jsonrpc|method)"\s*:\s*"[^"]*"`;
/** An id before or after anything nested: elsewhere it could belong to an argument. */
const ID_FIRST = new RegExp(String.raw`^\s*\{\s*(?:${OTHER}\s*,\s*)*${ID}`);
const ID_LAST = new RegExp(String.raw`\}\s*,\s*(?:${OTHER}\s*,\s*)*${ID}\s*(?:,\s*${OTHER}\s*)*\}\s*$`);

/**
 * MCP's stdio transport. Unlike the SDK's, it ends with its client (end of stdin, EPIPE), reads a long line in linear
 * time, and answers unreadable input instead of closing.
 */
export class StdioTransport implements Transport, LineSink {
  onmessage?: NonNullable<Transport['onmessage']>;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  /** Called when the client is gone: no more input will come, or nobody reads the output. */
  ongone?: (reason: string) => void;
  readonly pending = new Map<RequestId, JSONRPCRequest>();

  readonly #in: Readable;
  readonly #out: Writable;
  readonly #lines = new LineAssembler(this);
  #unwritten = 0;
  #closed = false;

  constructor(input: Readable = process.stdin, output: Writable = process.stdout) {
    this.#in = input;
    this.#out = output;
  }

  /** Starts reading. Called by the SDK's `connect`. */
  async start(): Promise<void> {
    // Every answer that waits for a slow client may listen for `drain`, which is not a leak.
    this.#out.setMaxListeners(0);
    this.#out.on('error', (error) => {
      if (systemCode(error) !== 'EPIPE') logLine(`stdout: ${error.message}`);
      this.ongone?.(`stdout: ${systemCode(error) ?? 'failed'}`);
    });
    this.#in.on('data', (chunk: Buffer) => this.#lines.push(chunk));
    this.#in.once('end', () => {
      this.#lines.end();
      this.ongone?.('end of stdin');
    });
    this.#in.once('close', () => this.ongone?.('stdin closed'));
    this.#in.on('error', (error) => this.ongone?.(`stdin: ${systemCode(error) ?? 'failed'}`));
  }

  /** Writes a message; resolves when the system has accepted it. Messages are sent in the order of the calls. */
  send(message: JSONRPCMessage): Promise<void> {
    if (!('method' in message) && message.id !== undefined) this.pending.delete(message.id);
    return this.#write(message);
  }

  /** Stops reading stdin. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#in.pause();
    this.onclose?.();
  }

  /** True if the system has accepted everything that was sent. */
  get flushed(): boolean {
    return this.#unwritten === 0;
  }

  line(text: string): void {
    if (text.trim() === '') return;
    const value = parseJson(text);
    if (value === undefined) this.#refuse(null, PARSE_ERROR, NOT_JSON);
    else this.#receive(value);
  }

  /** A line that is too long to read: its call is answered if its id can be found. */
  tooLong(head: string, tail: string): void {
    const found = ID_FIRST.exec(head)?.[1] ?? ID_LAST.exec(tail)?.[1];
    const id = found === undefined ? null : (JSON.parse(found) as RequestId);
    const limit = MAX_LINE_BYTES / 1024 / 1024;
    this.#refuse(
      id,
      INVALID_REQUEST,
      `The message is longer than ${limit} MB and was not read. Put long texts into a file and name the file.`,
    );
  }

  #receive(value: unknown): void {
    if (isJSONRPCRequest(value)) {
      // The SDK would answer it with -32603 and zod's message.
      if (value.method === 'initialize' && !isInitializeRequest(value)) {
        this.#refuse(value.id, INVALID_PARAMS, BAD_INITIALIZE);
        return;
      }
      this.pending.set(value.id, value);
    } else if (isJSONRPCNotification(value)) {
      // A cancelled call gets no answer.
      if (value.method === 'notifications/cancelled')
        this.pending.delete(value.params?.['requestId'] as RequestId);
    } else if (!isObject(value) || !('result' in value || 'error' in value)) {
      const why = 'Invalid request: this is not a JSON-RPC 2.0 message of MCP.';
      this.#refuse(idOf(value), INVALID_REQUEST, why);
      return;
    }
    this.onmessage?.(value as JSONRPCMessage);
  }

  #refuse(id: RequestId | null, code: number, message: string): void {
    void this.#write({ jsonrpc: '2.0', id, error: { code, message } });
  }

  #write(message: unknown): Promise<void> {
    this.#unwritten++;
    return new Promise((resolve) => {
      this.#out.write(`${JSON.stringify(message)}\n`, () => {
        this.#unwritten--;
        resolve();
      });
    });
  }
}

function idOf(value: unknown): RequestId | null {
  const id = isObject(value) ? value['id'] : undefined;
  return typeof id === 'string' || Number.isInteger(id) ? (id as RequestId) : null;
}
