import { existsSync } from 'node:fs';
import { build } from 'esbuild';
import { type Browser, chromium, type FrameLocator, type Page } from 'playwright-core';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';

/** Debian's; `.ci/run` installs it. */
export const CHROMIUM = '/usr/bin/chromium';
export const hasBrowser = existsSync(CHROMIUM);

/** What a client declares that can show pages. */
export const DRAWS = {
  extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } },
};

const CLIENT = 'http://client.test/';
const VIEW = 'http://view.test/';
/** What the specification requires a client to enforce for a page that names no origins. */
const CSP =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'";

/** Features that cost processes and are of no use to a test. */
const FEATURES = [
  'IsolateOrigins',
  'site-per-process',
  'IsolateSandboxedIframes',
  'SpareRendererForSitePerProcess',
];

/** No browser sandbox: tests run as root in containers, and show only pages of their own. */
export const browserArguments: readonly string[] = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
  // One process renders everything: the page and its frame need no isolation here.
  ...['--renderer-process-limit=1', '--disable-site-isolation-trials', '--in-process-gpu'],
  `--disable-features=${FEATURES.join()}`,
];

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...browserArguments] });
}

let script: Promise<string> | undefined;
function clientScript(): Promise<string> {
  script ??= build({
    entryPoints: ['test/apps/client-page.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'error',
  }).then(({ outputFiles: [file] }) => file?.text ?? '');
  return script;
}

/** A server whose client declares that it can show pages. @param cwd its working folder; absent: the project */
export function startServer(lab: Lab, cwd?: string): Promise<LabServer> {
  const options = { clientName: 'drawing-client', capabilities: DRAWS };
  return lab.startServer({}, cwd === undefined ? options : { ...options, cwd });
}

export interface OpenOptions {
  context?: Record<string, unknown>;
  /** Arguments of the call that opens the board. */
  args?: Record<string, unknown>;
  calls?: boolean;
}

/** An MCP client with a screen: a browser's page around a real server on stdio. */
export class DrawingClient {
  readonly page: Page;
  /** The server that answers; a test may replace it. */
  server: LabServer;
  /** Every call that the board made. */
  readonly calls: { name: string; args: Record<string, unknown> }[] = [];
  /** Addresses that the browser requested besides the two of the test; there must be none. */
  readonly reached: string[] = [];
  /** The browser's errors. */
  readonly errors: string[] = [];
  #html = '';

  private constructor(page: Page, server: LabServer) {
    this.page = page;
    this.server = server;
  }

  /** A page of the browser with its own server. */
  static async start(browser: Browser, lab: Lab, width = 900): Promise<DrawingClient> {
    const server = await startServer(lab);
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const client = new DrawingClient(page, server);
    page.on('pageerror', (error) => client.errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') client.errors.push(message.text());
    });
    await page.route('**/*', (route) => client.#serve(route));
    await page.exposeFunction('callTool', (name: string, args: Record<string, unknown>) =>
      client.#call(name, args),
    );
    return client;
  }

  /** Calls `list_jobs` and shows the board that its declaration names. */
  async open({ context = { theme: 'light' }, args = {}, calls = true }: OpenOptions = {}): Promise<void> {
    const { result: tools } = await this.server.request('tools/list');
    const opener = tools.tools.find(({ name }: { name: string }) => name === 'list_jobs');
    const { result } = await this.server.request('resources/read', { uri: opener._meta.ui.resourceUri });
    this.#html = result.contents[0].text;
    const listed = await this.server.call('list_jobs', args);
    await this.page.goto(CLIENT);
    await this.page.addScriptTag({ content: await clientScript() });
    const options = JSON.stringify({ context, args, result: listed, calls });
    await this.page.evaluate(`window.openBoard(${JSON.stringify(VIEW)}, ${options})`);
  }

  /** What the board shows. */
  get board(): FrameLocator {
    return this.page.frameLocator('iframe');
  }

  /** Changes the client's environment. */
  async change(context: Record<string, unknown>): Promise<void> {
    await this.page.evaluate(`window.changeContext(${JSON.stringify(context)})`);
  }

  /** Resets for the next test: no board is left, and nothing is known about the last one. */
  async clear(): Promise<void> {
    await this.page.goto('about:blank');
    for (const list of [this.calls, this.reached, this.errors]) list.length = 0;
  }

  /** The client removes the board. */
  async end(): Promise<void> {
    await this.page.evaluate('window.endBoard()');
  }

  /** How often the board has called a tool. */
  count(tool: string): number {
    return this.calls.filter(({ name }) => name === tool).length;
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  async #call(name: string, args: Record<string, unknown>): Promise<unknown> {
    this.calls.push({ name, args });
    try {
      return { result: await this.server.call(name, args) };
    } catch {
      return { lost: 'MCP server mam has ended.' };
    }
  }

  async #serve(route: Parameters<Parameters<Page['route']>[1]>[0]): Promise<void> {
    const url = route.request().url();
    const html = { contentType: 'text/html; charset=utf-8' };
    if (url === CLIENT) await route.fulfill({ ...html, body: '<!doctype html><title>client</title>' });
    else if (url === VIEW)
      await route.fulfill({ ...html, body: this.#html, headers: { 'Content-Security-Policy': CSP } });
    else {
      if (!url.endsWith('/favicon.ico')) this.reached.push(url);
      await route.abort();
    }
  }
}
