import { awake } from '../base/awake.ts';
import { START_MS } from '../settings/hub-place.ts';

/**
 * `starting`: jobs of the last hub are taken up, clients wait; `serving`; `leaving`: nothing new is begun, what is due is
 * written; `ended`: the registries are given back.
 */
type Stage = 'starting' | 'serving' | 'leaving' | 'ended';

/** How far the life of the hub has come, and since when nobody has needed it. */
export class Life {
  #stage: Stage = 'starting';
  /** While jobs of the last hub are taken up. */
  #takingUp: Promise<unknown> | undefined;
  #idleSince = awake.now();

  /** @param takingUp settles when the jobs of the last hub are taken up */
  start(takingUp: Promise<unknown>): void {
    this.#takingUp = takingUp;
  }

  /** The next stage. */
  enter(stage: Exclude<Stage, 'starting'>): void {
    this.#stage = stage;
    if (stage === 'serving') this.#takingUp = undefined;
  }

  /** @returns when the jobs of the last hub are taken up; nothing once they are */
  readonly ready = (): Promise<void> | undefined => this.#takingUp?.then(() => {});

  /** True once the hub begins nothing new. */
  get isOver(): boolean {
    return this.#stage === 'leaving' || this.#stage === 'ended';
  }

  /** The hub is needed now. */
  readonly need = (): void => {
    this.#idleSince = awake.now();
  };

  /** True when nobody has needed the hub for so many ms. Whoever has just started it may be slow to connect. */
  isIdleFor(ms: number): boolean {
    return process.uptime() * 1000 >= START_MS && awake.now() - this.#idleSince >= ms;
  }
}
