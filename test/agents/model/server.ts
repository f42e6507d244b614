import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, type Model, type Protocol } from './script.ts';

/** A scripted model server on loopback. */
export interface ModelServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** Every request that no protocol handled, as `METHOD path`. */
  strangers: string[];
  close(): Promise<void>;
}

/** Serves a model over the given protocols, on a free port of 127.0.0.1. */
export async function serveModel(model: Model, protocols: readonly Protocol[]): Promise<ModelServer> {
  const strangers: string[] = [];
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const protocol = protocols.find((one) => one.handles(request.method ?? '', path));
    const answered = readBody(request).then((body) => {
      if (protocol !== undefined) return protocol.answer(request, body, model, response);
      strangers.push(`${request.method} ${path}`);
      json(response, 404, { error: { message: 'not served' } });
      return undefined;
    });
    answered.catch((error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(JSON.stringify({ error: { message: String(error) } }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    strangers,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
