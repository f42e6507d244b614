import { request } from 'node:http';
import type { RunningCommand } from './command.ts';
import type { Lab } from './lab.ts';
import { until } from './until.ts';

/** `mam web`, as a person runs it. */
export class Web {
  readonly running: RunningCommand;

  private constructor(running: RunningCommand) {
    this.running = running;
  }

  /** Starts it, and waits for its first address. */
  static async start(lab: Lab, args: string[] = [], env: Record<string, string> = {}): Promise<Web> {
    const web = new Web(lab.start(['web', '--json', ...args], { env }));
    lab.keep(web.running.child);
    await web.addresses(1);
    return web;
  }

  /** All addresses that it has printed, once there are so many. */
  addresses(count: number): Promise<string[]> {
    const { seen } = this.running;
    const lines = (): string[] => seen.stdout.split('\n').filter(Boolean);
    const all = (): string[] => lines().map((line) => JSON.parse(line).address);
    return until(`mam web has printed ${count} (${seen.stderr})`, () => lines().length >= count && all());
  }

  get port(): number {
    return JSON.parse(this.running.seen.stdout.split('\n')[0] ?? '').port;
  }

  /** Uses the newest address as a browser does. @returns what makes a request one of the page that it leads to */
  async enter(): Promise<Entered> {
    const before = (await this.addresses(1)).length;
    const { pathname } = new URL((await this.addresses(before)).at(-1) ?? '');
    const answer = await this.ask({ path: pathname });
    await this.addresses(before + 1);
    const [cookie = ''] = String(answer.headers['set-cookie']).split(';');
    const path = /url=(.*)$/.exec(String(answer.headers['refresh']))?.[1] ?? '';
    return { cookie, path };
  }

  /** One request, with exactly these headers besides a Host. */
  ask({ path = '/', method = 'GET', headers = {}, body }: Asked): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.port, path, method, headers, agent: false },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** A call as the page makes it. */
  call({ cookie, path }: Entered, what: string, args: object, more: Record<string, string> = {}) {
    const origin = `http://127.0.0.1:${this.port}`;
    const headers = { Cookie: cookie, Origin: origin, 'Content-Type': 'application/json', ...more };
    return this.ask({ path: path + what, method: 'POST', headers, body: JSON.stringify(args) });
  }

  /** Ends it as Ctrl-C does. @returns its exit code */
  async end(): Promise<number | null> {
    this.running.child.kill('SIGINT');
    return (await this.running.ended).code;
  }
}

interface Asked {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A browser's session. */
export interface Entered {
  cookie: string;
  path: string;
}
