import { MamError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { isComplete, type ReplicaChange, type ReplicaState } from '../../../job/replica.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Registrar } from '../../jobs/registrar.ts';

/** How long (ms) after its time an ask is taken to have expired there: clocks are known by half a round trip. */
const EXPIRY_MARGIN_MS = 5_000;
/** For an ask without a time of its own, in ms. */
const USUAL_EXPIRY_MS = 20_000;

/** What the state of a copy needs of the rest of the hub. */
export interface CopyParts {
  registrar: Pick<Registrar, 'setReplica'>;
  /** The time there, in ms. */
  theirNow(host: string): number;
  /** Nothing more is expected of a job of this host. */
  onOver(host: string): void;
  log: Log;
}

/** What this hub itself says about the copy of a job: whether its home is there, how complete it is, and what is wrong. */
export class CopyState {
  readonly #job: LiveJob;
  readonly #with: CopyParts;
  /** When the copy was last known to be complete, in ms. */
  #syncedAt: number | undefined;

  constructor(job: LiveJob, parts: CopyParts) {
    this.#job = job;
    this.#with = parts;
  }

  get now(): ReplicaState {
    const { id, replica } = this.#job;
    if (replica === undefined) throw new MamError('internal', `Job ${id} is not a copy.`);
    return replica;
  }

  /** True when there is nothing more to come, unless the home says otherwise. */
  get isOver(): boolean {
    return isComplete(this.now);
  }

  /** How long the home may still take the job, in ms. */
  get leftToTake(): number {
    const { home, asked_at: asked, expires_at: expires } = this.now;
    const end = expires === undefined ? Date.parse(asked) + USUAL_EXPIRY_MS : Date.parse(expires);
    return end + EXPIRY_MARGIN_MS - this.#with.theirNow(home);
  }

  /** The copy is complete now: that is written with the next change. */
  synced(): void {
    this.#syncedAt = Date.now();
  }

  /** @param tell whether whoever follows the job hears of it. @throws MamError `io` */
  async set(change: ReplicaChange, tell = true): Promise<void> {
    await this.#with.registrar.setReplica(this.#job, change, { tell });
    if (this.isOver) this.#with.onOver(this.now.home);
  }

  /** The same, and the time of it is shown. */
  async noteSynced(): Promise<void> {
    this.synced();
    await this.set(this.#synced, false);
  }

  /** The home is away. @param since ISO time */
  async away(since: string): Promise<void> {
    const { offline_since: before, episode } = this.now;
    if (before !== undefined || this.isOver) return;
    await this.set({ offline_since: since, episode: episode + 1, ...this.#synced });
  }

  /** The home is there again. */
  async back(): Promise<void> {
    if (this.now.offline_since !== undefined) await this.set({ offline_since: undefined });
  }

  /** All of a job that has ended is here. */
  async end(): Promise<void> {
    await this.set({ state: 'ended', ...this.#synced });
  }

  /** The home never took the job. */
  async neverTaken(): Promise<void> {
    const detail = `${this.now.home} never took it`;
    await this.set({ state: 'ended', never_taken: { at: new Date().toISOString(), detail } });
  }

  /** Nothing more is expected from the home. @param why a sentence for the log and the job's damage */
  async lose(why: string): Promise<void> {
    await this.noteDamage(why, { state: 'lost', ...this.#synced });
  }

  /** @param what a sentence for the log and the job's damage @param more what else changes with it */
  async noteDamage(what: string, more: ReplicaChange = {}): Promise<void> {
    const { damage = [] } = this.now;
    this.#with.log.warn(what);
    if (!this.#job.damage.includes(what)) this.#job.damage.push(what);
    await this.set({ ...more, damage: [...damage.filter((one) => one !== what), what] });
  }

  get #synced(): Pick<ReplicaState, 'synced_at'> {
    return this.#syncedAt === undefined ? {} : { synced_at: new Date(this.#syncedAt).toISOString() };
  }
}
