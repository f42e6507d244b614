import type { Lab } from './lab.ts';
import { PROGRAM } from './mcp-client.ts';
import { until } from './until.ts';

/** `mam watch` in a shell of the lab's tmux, as a person uses it: read from its screen, driven by keys. */
export class Board {
  readonly #lab: Lab;
  readonly #session: string;

  private constructor(lab: Lab, session: string) {
    this.#lab = lab;
    this.#session = session;
  }

  /** A shell, with the board running in it. @param environment words of env before the command */
  static async start(
    lab: Lab,
    {
      args = [],
      size = [120, 40],
      environment = [],
      session = 'board',
    }: { args?: string[]; size?: [number, number]; environment?: string[]; session?: string } = {},
  ): Promise<Board> {
    const board = new Board(lab, session);
    await lab.startSession(session, 'exec env HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i');
    await board.resize(...size);
    await board.shows(/^\$ *$/m);
    const words = ['env', ...environment, process.execPath, PROGRAM, 'watch', ...args];
    await board.type(`clear; echo before; ${words.join(' ')}; echo "it ended: $?"`);
    await board.press('Enter');
    await board.shows('mam watch');
    return board;
  }

  /** What is on the screen. @param colours with the sequences of its colours */
  screen(colours = false): Promise<string> {
    const words = ['-p', ...(colours ? ['-e'] : []), '-t', `=${this.#session}:`];
    return this.#lab.steadyTmux('capture-pane', ...words);
  }

  /** Waits until the screen shows something, and returns all of it. @throws with what it shows instead */
  async shows(wanted: string | RegExp, ms?: number): Promise<string> {
    return this.#waits(`the board shows ${wanted}`, (screen) => has(screen, wanted), ms);
  }

  /** Waits until the screen no longer shows something. */
  async lacks(unwanted: string | RegExp, ms?: number): Promise<string> {
    return this.#waits(`the board does not show ${unwanted}`, (screen) => !has(screen, unwanted), ms);
  }

  /** Presses keys by their tmux names, one by one. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.#lab.steadyTmux('send-keys', '-t', `=${this.#session}:`, key);
  }

  /** Types text literally. */
  async type(text: string): Promise<void> {
    await this.#lab.steadyTmux('send-keys', '-l', '-t', `=${this.#session}:`, text);
  }

  async resize(columns: number, rows: number): Promise<void> {
    const size = ['-x', `${columns}`, '-y', `${rows}`];
    await this.#lab.steadyTmux('resize-window', '-t', `=${this.#session}:`, ...size);
  }

  /** Leaves the board, and waits for the shell. */
  async leave(): Promise<string> {
    await this.press('q');
    return this.shows('it ended: 0');
  }

  async #waits(what: string, holds: (screen: string) => boolean, ms?: number): Promise<string> {
    let screen = '';
    try {
      return await until(
        what,
        async () => {
          screen = await this.screen();
          return holds(screen) && screen;
        },
        ms,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}; it shows:\n${screen}`);
    }
  }
}

function has(screen: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen);
}
