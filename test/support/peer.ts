import { existsSync, readFileSync } from 'node:fs';
import type { Json } from './lab-server.ts';
import { until } from './until.ts';

/** A fake peer in a tmux pane of the lab, and what it wrote about itself. */
export class Peer {
  readonly session: string;
  /** tmux pane id. */
  readonly pane: string;
  readonly log: string;

  constructor(session: string, pane: string, log: string) {
    this.session = session;
    this.pane = pane;
    this.log = log;
  }

  get address(): string {
    return `tmux:${this.session}`;
  }

  /** The agent's own process. */
  get pid(): number {
    return this.notes.find((note) => note.ready !== undefined)?.ready ?? 0;
  }

  /** The shells that it runs with `--run`, the servers with `--mcp`. */
  get children(): number[] {
    return this.notes.flatMap(({ child }) => (child === undefined ? [] : [child]));
  }

  /** What it reported, with the answers that it got. */
  get reports(): Report[] {
    return this.notes.flatMap(({ at, reported, code = 0, stdout = '', stderr = '' }) =>
      reported === undefined ? [] : [{ at, event: reported, code, stdout, stderr }],
    );
  }

  /** The outcome of each command that it asked for: true if allowed. */
  get settled(): [string, boolean][] {
    return this.notes.flatMap(({ settled, allowed }) =>
      settled === undefined ? [] : [[settled, allowed === true]],
    );
  }

  /** What it read and when, in ms since 1970, one character per byte. */
  get reads(): { at: number; read: string }[] {
    return this.notes.flatMap(({ at, read }) => (read === undefined ? [] : [{ at, read }]));
  }

  /** Every byte that reached it, in order. */
  get bytes(): Buffer {
    return Buffer.from(this.reads.map(({ read }) => read).join(''), 'latin1');
  }

  /** Every byte that reached it while its dialog was open or it was busy. */
  get bytesWhileHeld(): Buffer {
    const reads = this.notes.filter((note) => note.held === true);
    return Buffer.from(reads.map((note) => note.read ?? '').join(''), 'latin1');
  }

  /** What was pasted into it, each paste without its brackets. */
  get pastes(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the brackets of a paste are control sequences
    return [...this.bytes.toString().matchAll(/\x1b\[200~(.*?)\x1b\[201~/gs)].map(([, text]) => text ?? '');
  }

  /** Every byte outside the pastes. */
  get keys(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the brackets of a paste are control sequences
    return this.bytes.toString().replace(/\x1b\[200~.*?\x1b\[201~/gs, '');
  }

  /** Shows what was pasted, with `--withhold`. */
  show(): void {
    process.kill(this.pid, 'SIGUSR2');
  }

  /** Waits until it has received this many pastes and Enters in all. */
  async gets(pastes: number, enters: number): Promise<void> {
    await until(
      `${pastes} pastes and ${enters} Enters at ${this.session}`,
      () => this.pastes.length >= pastes && this.keys.length >= enters,
    );
  }

  /** Waits until it has made a report of this type, and returns the answer. */
  reported(event: string): Promise<Report> {
    return until(`${this.session} reports ${event}`, () => this.reports.find((one) => one.event === event));
  }

  /** True once it hangs. */
  get hangs(): boolean {
    return this.notes.some((note) => note.hangs === true);
  }

  get isReady(): boolean {
    return this.pid > 0;
  }

  /** What it has written, without a line cut by a kill. */
  protected get notes(): Note[] {
    const lines = existsSync(this.log) ? readFileSync(this.log, 'utf8').split('\n') : [];
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as Note];
      } catch {
        return [];
      }
    });
  }
}

export interface Report {
  at: number;
  event: string;
  code: number;
  stdout: string;
  stderr: string;
}

interface Note {
  at: number;
  settled?: string;
  allowed?: boolean;
  ready?: number;
  hangs?: boolean;
  read?: string;
  held?: boolean;
  child?: number;
  reported?: string;
  code?: number;
  stdout?: string;
  stderr?: string;
  /** For the agents of `test/faults`: what was submitted with Enter, and each report before and after. */
  submitted?: string;
  reporting?: string;
  job?: string;
  token?: string;
  sha256?: string;
  words?: string;
  answer?: Json;
}
