import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { explain, MamError, systemCode } from '../../base/errors.ts';
import { isJobId } from '../../base/ids.ts';
import { isText } from '../../base/json.ts';
import { clean } from '../../base/text.ts';
import { commandWords } from '../../view/command-words.ts';
import type { Access } from './access.ts';
import { CALLS, type Context } from './calls.ts';
import { refusalOf } from './gate.ts';
import { BadBody, readBody } from './read-body.ts';
import { type Page, sendIn, sendJson, sendPage, sendSentence } from './respond.ts';

/** Only this machine can connect. */
const LOOPBACK = '127.0.0.1';
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 10_000;
/** How often half-open requests are looked for, in ms. */
const CHECK_MS = 1_000;
const MAX_CONNECTIONS = 128;
const SMALL = 4 * 1024;

const NO_ENTRY =
  'This address is not valid here, or was used already: each one lets in one browser. The terminal in which mam web runs shows a new one; if it has ended, run mam web again.';

interface Parts {
  access: Access;
  page: Page;
  context: Context;
  /** How many events were passed on: an answer is at least as new as they are. */
  seen(): number;
  /** A browser was let in. */
  entered(): void;
  listen(response: ServerResponse): void;
  look(stream: string, tab: string, jobId: string | undefined): void;
}

/** The HTTP server of `mam web`. It answers nothing without a token or a session, and nobody outside this machine. */
export class WebServer {
  readonly #with: Parts;
  readonly #server: Server;

  constructor(parts: Parts) {
    this.#with = parts;
    const limits = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    this.#server = createServer(limits, (request, response) => {
      // A reader that has gone is not our error.
      response.on('error', () => {});
      this.#answer(request, response).catch((error: unknown) => failed(response, error));
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Listens. @returns the port @throws MamError if the port can't be used */
  async start(port: number): Promise<number> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, LOOPBACK, resolve);
      });
    } catch (error) {
      const why = systemCode(error) === 'EADDRINUSE' ? 'is in use' : `cannot be used (${systemCode(error)})`;
      throw new MamError(
        'unavailable',
        `Port ${port} ${why}.`,
        'Give --port another number, or leave it out for a free one.',
      );
    }
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = refusalOf(request);
    const { url: path = '', method, headers } = request;
    const { access } = this.#with;
    if (refused !== undefined) sendSentence(response, refused.status, refused.why);
    else if (method === 'GET' && access.isEntrance(path)) this.#enter(path, response);
    else {
      const own = access.pathOf(path, headers.cookie);
      if (own === undefined) sendSentence(response, 403, NO_ENTRY);
      else if (method === 'POST') await this.#act(path.slice(own.length), request, response);
      else if (path === own) sendPage(response, this.#with.page);
      else sendSentence(response, 404, 'There is nothing here.');
    }
  }

  #enter(path: string, response: ServerResponse): void {
    const session = this.#with.access.enter(path);
    if (session === undefined) sendSentence(response, 403, NO_ENTRY);
    else {
      sendIn(response, session);
      this.#with.entered();
    }
  }

  async #act(what: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { context, listen, look, seen } = this.#with;
    const call = CALLS.get(what.replace(/^call\//, ''));
    if (what === 'events') {
      await readBody(request, SMALL);
      listen(response);
    } else if (what === 'look') {
      const { stream, tab, job_id: jobId } = await readBody(request, SMALL);
      look(String(stream), String(tab), isText(jobId) && isJobId(jobId) ? jobId : undefined);
      sendJson(response, 200, {});
    } else if (call === undefined) sendJson(response, 404, { error: 'There is no such call.' });
    else {
      const args = await readBody(request, call.limit);
      // Events that come while the hub answers may be in its answer or not: the page applies them to it.
      const before = seen();
      sendJson(response, 200, { answer: await call.run(args, context), seen: before });
    }
  }
}

/** Errors that mean that the hub did not answer, as opposed to a refusal. */
const UNREACHED: readonly string[] = ['unreachable', 'unavailable', 'internal'];

function failed(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) response.destroy();
  else if (error instanceof BadBody) {
    // What is left of the body is not read.
    response.setHeader('Connection', 'close');
    sendJson(response, error.status, { error: error.message });
  } else {
    const isRefusal = error instanceof MamError && !UNREACHED.includes(error.code);
    sendJson(response, isRefusal ? 409 : 503, { error: clean(commandWords(explain(error))) });
  }
}
