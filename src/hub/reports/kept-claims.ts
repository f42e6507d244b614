import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { newEventId, randomSuffix } from '../../base/ids.ts';
import { isObject, parseJson } from '../../base/json.ts';
import { keepInOutbox } from '../../bus/spool/outbox.ts';
import type { Claim } from '../../job/claim.ts';
import type { Claims, ClaimWay } from './claims.ts';

/** The prefix of file names for claims from an external broker: no publisher's name begins like that. */
const OUTSIDE = 'outside-';

/**
 * Takes claims from the brokers. A claim that can't be written now goes to the outbox, unless its publisher keeps it: a
 * broker sends only a limited number of unacknowledged messages, so a failure for one job would hold up all others.
 */
export class KeptClaims {
  readonly #with;
  readonly #suffix = `${process.pid}-${randomSuffix()}`;
  #keeping: Promise<unknown> = Promise.resolve();
  /** By job: settles when its last claim so far is recorded or kept. */
  readonly #turns = new Map<string, Promise<void>>();
  /** By job: the last claim that was kept. */
  readonly #newest = new Map<string, string>();

  constructor(parts: { claims: Claims; outbox: string }) {
    this.#with = parts;
  }

  /**
   * @returns when the claim is settled, or kept on the disk
   * @throws when it could not be stored anywhere: it must not be acknowledged
   */
  takeClaim(jobId: string, payload: Buffer, from: ClaimWay): Promise<void> {
    // The publisher keeps its claims in order, and learns from the answer what could not be written.
    if (isKeptByPublisher(payload, from))
      return this.#with.claims.takeClaim(jobId, payload, from).catch(() => {});
    // The next claim must wait for this one, or it would be recorded or kept first.
    const taken = (this.#turns.get(jobId) ?? Promise.resolve()).then(() =>
      this.#takeOrKeep(jobId, payload, from),
    );
    const turn = taken
      .catch(() => {})
      .finally(() => {
        if (this.#turns.get(jobId) === turn) this.#turns.delete(jobId);
      });
    this.#turns.set(jobId, turn);
    return taken;
  }

  async #takeOrKeep(jobId: string, payload: Buffer, from: ClaimWay): Promise<void> {
    if (this.#holds(jobId)) return this.#keep(jobId, payload, from);
    await this.#with.claims.takeClaim(jobId, payload, from).catch(() => this.#keep(jobId, payload, from));
  }

  /** True while earlier claims of a job are waiting, which this one must not overtake. */
  #holds(jobId: string): boolean {
    const file = this.#newest.get(jobId);
    if (file !== undefined && existsSync(file)) return true;
    this.#newest.delete(jobId);
    return false;
  }

  async #keep(jobId: string, payload: Buffer, from: ClaimWay): Promise<void> {
    const said = parse(payload);
    if (said === undefined) return;
    const writer = `${from === 'outside' ? OUTSIDE : 'socket-'}${this.#suffix}`;
    const event_id = typeof said.event_id === 'string' ? said.event_id : newEventId();
    const claim = { ...said, event_id, job_id: jobId } as Claim;
    const kept = this.#keeping.then(() => keepInOutbox(this.#with.outbox, writer, claim));
    this.#keeping = kept.catch(() => {});
    this.#newest.set(jobId, await kept);
  }
}

/** Which way an event in the outbox came. */
export function wayOf(file: string): ClaimWay {
  return basename(file).startsWith(OUTSIDE) ? 'outside' : 'outbox';
}

/** Our own publishers keep what can't be written: servers, which name a writer, and `mam publish`, which sends its pids. */
function isKeptByPublisher(payload: Buffer, from: ClaimWay): boolean {
  const said = from === 'socket' ? parse(payload) : undefined;
  const isOurs = typeof said?.writer === 'string' || said?.origin !== undefined;
  return isOurs && typeof said?.reply_to === 'string';
}

function parse(payload: Buffer): Partial<Claim> | undefined {
  const value = parseJson(payload.toString());
  return isObject(value) ? (value as Partial<Claim>) : undefined;
}
