import { MamError } from '../../base/errors.ts';
import { apply } from '../../job/apply.ts';
import { type Draft, dataOf, type RecordedEvent } from '../../job/event.ts';
import { hasExactData } from '../../job/exact-data.ts';
import { type JobRecord, orderSchema, recordSchema } from '../../job/record.ts';
import {
  asReplica,
  changed,
  homeEvent,
  isComplete,
  notifiedChange,
  type ReplicaChange,
  type ReplicaState,
} from '../../job/replica.ts';
import { writeDurably } from '../../registry/files.ts';
import { registryError } from '../../registry/paths.ts';
import { isEvent } from '../../registry/read-journal.ts';
import { replicaText } from '../../registry/replica-file.ts';
import type { Seal } from '../../registry/seal.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { Queue } from './queue.ts';

/** A longer line is refused, in bytes: no hub writes one, and no broker carries it. */
const MAX_LINE_BYTES = 64 * 1024;
/** What is written only with the next change: it is learned again from the home. */
const MINOR: readonly string[] = ['synced_at'];

/** The part of a copy that is this hub's own: its `replica.json`, and the record as it is shown here. */
export class Replica {
  state: ReplicaState;
  record: JobRecord;
  /** True once its files are on the disk. */
  isKept: boolean;
  readonly #job: LiveJob;
  readonly #seal: Seal;
  readonly #queue = new Queue();
  /** As the home's events say. */
  #told: JobRecord | undefined;
  /** Something minor has changed since the last write. */
  #isBehind = false;

  /** @param found what was read from the disk; absent for a copy that is just being made */
  constructor(job: LiveJob, state: ReplicaState, seal: Seal, found?: { told: JobRecord | undefined }) {
    this.#job = job;
    this.#seal = seal;
    this.state = state;
    this.isKept = found !== undefined;
    this.#told = found?.told;
    this.record = asReplica(this.#told, state, job.registryDir);
  }

  /** Shows the record that the home's events say. */
  show(told: JobRecord | undefined): { before: JobRecord; after: JobRecord } {
    const before = this.record;
    this.#told = told;
    this.record = asReplica(told, this.state, this.#job.registryDir);
    return { before, after: this.record };
  }

  /**
   * The line of the home's next event. Whatever another machine sends, a record that can't be read must not come about.
   * @param record the home's record before it
   * @param length how many events there are
   * @throws MamError `unavailable` if it is not the next one, `bad_input` if it can't be one
   */
  next(record: JobRecord | undefined, event: RecordedEvent, length: number): string {
    const { id, registryDir } = this.#job;
    if (event.seq !== length + 1)
      throw new MamError(
        'unavailable',
        `Event ${event.seq} of ${id} came before event ${length + 1}.`,
        'Ask its home for the events in between.',
      );
    const line = JSON.stringify(event);
    const isOne = isEvent(event) && event.job_id === id && !Object.hasOwn(event, 'mac');
    const isKnown = event.seq <= (record?.seq ?? 0);
    const isFit = isKnown || fits(record, event, this.state, registryDir);
    if (!isOne || Buffer.byteLength(line) > MAX_LINE_BYTES || !isFit)
      throw new MamError(
        'bad_input',
        `Event ${event.seq} of ${id} on ${this.state.home} does not fit.`,
        'Update mam on both machines to the same version.',
      );
    return line;
  }

  /** Records how far the supervisor was notified: the only event that is this hub's own. @throws as `change` */
  async note(draft: Draft): Promise<Recorded> {
    if (draft.type !== 'notified')
      throw new MamError(
        'internal',
        `Event ${draft.type} of ${this.#job.id} is not recorded here: only the hub of ${this.state.home} writes its journal.`,
      );
    const recorded = await this.change(notifiedChange(dataOf(draft as RecordedEvent)));
    return recorded ?? this.asNews();
  }

  /**
   * Changes the state, on the disk first.
   * @returns what has changed; undefined if it is not worth telling
   * @throws MamError `io` when it could not be written; then nothing has changed
   */
  change(change: ReplicaChange): Promise<Recorded | undefined> {
    return this.#queue.run(async () => {
      const next = changed(this.state, change, now());
      if (JSON.stringify(next) === JSON.stringify(this.state)) return undefined;
      const isMinor = Object.keys(change).every((name) => MINOR.includes(name));
      if (!isMinor) await this.#write(next);
      this.#isBehind = isMinor;
      this.state = next;
      const { before } = this.show(this.#told);
      return isMinor ? undefined : this.#recorded(before);
    });
  }

  /** Its folder is gone: it ends in memory. @param why a sentence */
  loseUnkept(why = 'Its folder was removed.'): Recorded {
    const { damage = [] } = this.state;
    this.state = changed(this.state, { state: 'lost', damage: [...damage, why] }, now());
    return this.#recorded(this.show(this.#told).before);
  }

  /** Writes `replica.json` again, as after it was removed. @throws the system's error */
  async rewrite(): Promise<void> {
    await writeDurably(this.#job.paths.replica, replicaText(this.#job.id, this.state, this.#seal));
  }

  /** Waits for writes in progress, and writes what is minor. */
  async close(): Promise<void> {
    await this.#queue
      .run(async () => {
        if (this.#isBehind && !this.#job.isRetired) await this.#write(this.state);
        this.#isBehind = false;
      })
      // It is learned again from the home.
      .catch(() => {});
  }

  async #write(state: ReplicaState): Promise<void> {
    const { id, paths, registryDir, isRetired } = this.#job;
    if (isRetired) throw new MamError('not_found', `There is no job ${id}.`);
    try {
      this.#job.checkPlace();
      // The home is not asked again, so a power cut must not take any event away.
      if (isComplete(state) && !isComplete(this.state)) await this.#job.flush();
      await writeDurably(paths.replica, replicaText(id, state, this.#seal));
    } catch (error) {
      throw registryError(registryDir, error);
    }
  }

  /** Its state as it is, for whoever does not know it yet. */
  asNews(): Recorded {
    return this.#recorded(this.record);
  }

  #recorded(before: JobRecord): Recorded {
    const event = homeEvent(this.record, this.state.order, now());
    return { event, before, after: this.record, repeated: false, home: true };
  }
}

function now(): string {
  return new Date().toISOString();
}

function fits(
  record: JobRecord | undefined,
  event: RecordedEvent,
  state: ReplicaState,
  registryDir: string,
): boolean {
  try {
    if (record === undefined && !isOrderOf(state.order.job_id, event)) return false;
    if (!hasExactData(event)) return false;
    return recordSchema.safeParse(asReplica(apply(record, event), state, registryDir)).success;
  } catch {
    return false;
  }
}

/** True for a first event whose order is of this job, and says nothing that only later events may say. */
function isOrderOf(jobId: string, event: RecordedEvent): boolean {
  const { job: order } = dataOf(event);
  if (order === undefined || order.job_id !== jobId) return false;
  return Object.keys(order).every((name) => name in orderSchema.shape || !(name in recordSchema.shape));
}
