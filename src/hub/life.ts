import { awake } from '../base/awake.ts';
import type { Log } from '../base/log.ts';
import type { Settings } from '../settings/config.ts';
import { START_MS } from '../settings/hub-place.ts';

/** What a hub is started with. */
export interface HubOptions {
  settings: Settings;
  log: Log;
  /** Called when the hub has a reason to end; the caller then calls `stop`. */
  onEnd: (why: string) => void;
  /** Makes sure that this hub has the lock of the home; false when another hub has it. */
  keepsLock: () => Promise<boolean>;
}

/** The stage of the hub's life, and since when nobody has needed it. */
export class Life {
  /** True once the hub begins nothing new and only writes what is pending. */
  isOver = false;
  /** Set while jobs of the last hub are being taken up: clients wait. */
  #takingUp: Promise<unknown> | undefined;
  #idleSince = awake.now();

  /** @param takingUp settles when the jobs of the last hub are taken up */
  start(takingUp: Promise<unknown>): void {
    this.#takingUp = takingUp;
  }

  serve(): void {
    this.#takingUp = undefined;
  }

  /** @returns when the jobs of the last hub are taken up; undefined once they are */
  readonly ready = (): Promise<void> | undefined => this.#takingUp?.then(() => {});

  readonly need = (): void => {
    this.#idleSince = awake.now();
  };

  /** True when nobody has needed the hub for `ms`. The client that has just started it may be slow to connect. */
  isIdleFor(ms: number): boolean {
    return process.uptime() * 1000 >= START_MS && awake.now() - this.#idleSince >= ms;
  }
}
