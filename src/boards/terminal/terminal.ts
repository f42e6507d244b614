import { type Instance, render } from 'ink';
import type { ReactElement } from 'react';
import type { Size } from './layout.ts';
import { Painter, type Place } from './painter.ts';

/** The board's use of the terminal, which is restored however the board ends. */
export class Terminal {
  readonly #node: () => ReactElement;
  readonly #painter: Painter;
  #ink: Instance | undefined;
  readonly #leave = (): void => this.hide();

  /** @param node what to show @param cursor where the cursor is in it */
  constructor(node: () => ReactElement, cursor: () => Place | undefined) {
    this.#node = node;
    this.#painter = new Painter(process.stdout, cursor);
  }

  get size(): Size {
    const { columns, rows } = this.#painter;
    return { columns, rows };
  }

  show(): void {
    if (this.#ink !== undefined) return;
    process.once('exit', this.#leave);
    // Before Node prints an uncaught error.
    process.once('uncaughtExceptionMonitor', this.#leave);
    this.#painter.begin();
    this.#ink = render(this.#node(), {
      stdout: this.#painter as unknown as NodeJS.WriteStream,
      debug: true,
      exitOnCtrlC: false,
      patchConsole: false,
    });
  }

  hide(): void {
    const ink = this.#ink;
    if (ink === undefined) return;
    this.#ink = undefined;
    process.off('exit', this.#leave);
    process.off('uncaughtExceptionMonitor', this.#leave);
    this.#painter.end();
    ink.unmount();
  }

  /** Rings the terminal's bell, unless another program has the terminal. */
  ring(): void {
    if (this.#ink !== undefined) this.#painter.ring();
  }

  /** Call after the terminal was resized. */
  redraw(): void {
    this.#painter.forget();
  }

  /** Rejects if a part of the board has failed. */
  async failed(): Promise<never> {
    await this.#ink?.waitUntilExit();
    return new Promise(() => {});
  }
}
