import { createServer } from 'node:net';
import { join } from 'node:path';
import type { BenchLab } from './lab.ts';
import { programPath } from './lab.ts';

/** What a program in a pane reports: `ready` once it accepts input, then one `enter` for each Enter key. */
export interface PaneEvent {
  pane: string;
  what: 'ready' | 'enter';
  /** The time when it was read, as returned by `now`. */
  at: number;
}

/** Where the programs run. */
type PanesLab = Pick<BenchLab, 'folder' | 'startSessions'>;

/** Programs in panes that accept input immediately and report when they have read Enter. */
export class Panes {
  readonly #lab: PanesLab;
  readonly #waiting = new Map<string, (event: PaneEvent) => void>();
  readonly #socket: string;

  constructor(lab: PanesLab) {
    this.#lab = lab;
    this.#socket = join(lab.folder, 'panes.sock');
    const server = createServer((socket) => {
      let rest = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#take(JSON.parse(line) as PaneEvent);
      });
      socket.on('error', () => {});
    });
    server.listen(this.#socket).unref();
  }

  /** Starts a program in a session of this name, and waits until it accepts input. */
  async start(name: string): Promise<void> {
    const ready = this.next(name, 'ready');
    const words = [process.execPath, programPath('pane'), this.#socket, name];
    await this.#lab.startSessions([name], `exec ${words.map((word) => `'${word}'`).join(' ')}`);
    await ready;
  }

  /** When a pane's program reads its next Enter, in ms of `now`. */
  async enter(name: string): Promise<number> {
    return (await this.next(name, 'enter')).at;
  }

  private next(pane: string, what: PaneEvent['what']): Promise<PaneEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`pane ${pane}: no ${what} in 10 s`)), 10_000);
      this.#waiting.set(`${pane} ${what}`, (event) => {
        clearTimeout(timer);
        resolve(event);
      });
    });
  }

  #take(event: PaneEvent): void {
    const key = `${event.pane} ${event.what}`;
    const settle = this.#waiting.get(key);
    this.#waiting.delete(key);
    settle?.(event);
  }
}
