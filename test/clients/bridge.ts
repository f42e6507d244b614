import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { PROGRAM } from '../support/mcp-client.ts';

/** The built server behind HTTP, for suites that know no stdio. */
export interface Bridge {
  /** `http://127.0.0.1:PORT/mcp` */
  url: string;
  close(): Promise<void>;
}

/** Opens the bridge: each HTTP session has its own server process, and every message passes through unchanged. */
export async function openBridge(env: Record<string, string>, cwd: string): Promise<Bridge> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const children: StdioClientTransport[] = [];

  async function newSession(): Promise<StreamableHTTPServerTransport> {
    const child = new StdioClientTransport({ command: process.execPath, args: [PROGRAM], env, cwd });
    const http = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, http),
    });
    children.push(child);
    child.onmessage = (message) => void http.send(message).catch(() => {});
    http.onmessage = (message) => void child.send(message);
    await Promise.all([child.start(), http.start()]);
    return http;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    await (known ?? (await newSession())).handleRequest(request as never, response);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      await Promise.all(children.map((child) => child.close()));
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
