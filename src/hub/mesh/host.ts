import { awake } from '../../base/awake.ts';
import type { HostAllows } from '../../operations/hosts.ts';
import type { HostStatus } from './wire/messages.ts';
import type { Wire } from './wire/wire.ts';

/** What a hub knows about another one. */
export type HostState = Readonly<
  Pick<
    Host,
    | ('name' | 'wire' | 'as' | 'online' | 'since' | 'epoch' | 'version' | 'protocol')
    | ('allows' | 'offsetMs' | 'roundTripMs' | 'problem')
  >
>;

/** Another hub: what it has said of itself, and whether it is there. */
export class Host {
  readonly name: string;
  /** The way over which it is reached. */
  wire: Wire | undefined;
  /** The name by which it calls this hub. */
  as: string;
  /** Its own connection to this hub's socket, while this hub has one of its own to it: the same, for its jobs here. */
  guest: Pick<HostState, 'wire' | 'as'> | undefined;
  online = false;
  /** Since when it is online or not, ISO 8601. */
  since = now();
  epoch: string | undefined;
  version: string | undefined;
  protocol: number | undefined;
  /** What it lets this hub ask, by its own word. */
  allows: HostAllows | undefined;
  /** How far its clock is ahead, in ms. */
  offsetMs: number | undefined;
  roundTripMs: number | undefined;
  /** Why it can't be asked although it is there, as a sentence. */
  problem: string | undefined;
  /** When it was heard last, on the clock of this process, in ms. */
  heardAt = 0;
  /** It has been away for longer than the grace. */
  isAway = false;
  readonly #graceMs: number;
  readonly #onAway: (host: Host) => void;
  #cancelGrace = (): void => {};

  /**
   * @param as this hub's own name
   * @param graceMs how long it may be away, in ms, before `onAway` is called, once each time
   */
  constructor(name: string, as: string, graceMs: number, onAway: (host: Host) => void) {
    this.name = name;
    this.as = as;
    this.#graceMs = graceMs;
    this.#onAway = onAway;
    this.#startGrace();
  }

  /** What it says of its hub. */
  says({ epoch, version, protocol }: Pick<HostStatus, 'epoch' | 'version' | 'protocol'>): void {
    Object.assign(this, { epoch, version, protocol });
  }

  come(): void {
    this.heardAt = awake.now();
    this.stop();
    this.isAway = false;
    if (!this.online) this.since = now();
    this.online = true;
  }

  /** @param isOver whether it has been away for longer than the grace already */
  leave(isOver = false): void {
    if (this.online) {
      this.online = false;
      this.since = now();
      if (!isOver) this.#startGrace();
    }
    if (isOver) this.#beAway();
  }

  /** Ends the grace: nobody is told any more. */
  stop(): void {
    this.#cancelGrace();
  }

  #startGrace(): void {
    this.stop();
    this.#cancelGrace = awake.after(this.#graceMs, () => this.#beAway());
  }

  #beAway(): void {
    if (this.online || this.isAway) return;
    this.isAway = true;
    this.#onAway(this);
  }
}

function now(): string {
  return new Date().toISOString();
}
