import { existsSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { MamError } from '../base/errors.ts';
import { newEventId } from '../base/ids.ts';
import { keepInOutbox, outboxFolder } from '../bus/spool/outbox.ts';
import { claimTopic } from '../bus/topics.ts';
import type { Claim } from '../job/claim.ts';
import type { ClaimReply } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import type { ClaimOutcome } from '../operations/publish.ts';

const PATIENCE_MS = 1000;

export interface PublisherOptions {
  realm: string;
  replyTo: string;
  /** MAM_HOME; without it there is no outbox, and a claim that the hub does not accept in time is rejected. */
  home: string | undefined;
  /** True if other hubs may answer too. */
  manyHubs: boolean;
  /** How long an event waits for the hub's answer before it goes to the outbox, in ms; 1,000 if absent. */
  patienceMs?: number | undefined;
  /** Why the hub cannot be reached, if that is known. */
  whyNoHub?: () => string | undefined;
  /** Publishes if there is a connection; otherwise `resend` does. */
  send: (topic: string, payload: string) => void;
}

interface Entry {
  claim: Claim;
  topic: string;
  payload: string;
  /** Position among all claims of this writer. */
  order: number;
  deadline: number;
  why: string;
  /** Set once the file is written. */
  file?: string;
  timer?: NodeJS.Timeout;
  promise: Promise<ClaimOutcome>;
  resolve: (outcome: ClaimOutcome) => void;
  reject: (error: Error) => void;
  settled: boolean;
  answered: boolean;
  /** It was sent once more because its file was gone without an answer. */
  asked: boolean;
  /** The answer of a hub without the job; it counts if no other hub answers in time. */
  unknown?: ClaimReply;
}

/**
 * Publishes the claims of one process, in order for each job, and stores those that the hub does not acknowledge in
 * time. A claim is either in flight (`#sent`) or in the outbox (`#boxed`); a later one of the same job never overtakes
 * it. Only the hub's answer proves that it was recorded: if its file is gone without an answer, it is sent once more.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #writer = newEventId();
  readonly #perJob = new Map<string, number>();
  readonly #sent = new Map<string, Entry>();
  readonly #boxed = new Map<string, Entry>();
  /** The last claim in the outbox, by job. */
  readonly #newest = new Map<string, Entry>();
  /** Refusals of claims whose outcome was `kept`; the next claim's outcome reports them. */
  #refused: string[] = [];
  #order = 0;
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** True while an outcome is pending. */
  get busy(): boolean {
    return this.#sent.size > 0 || [...this.#boxed.values()].some((entry) => !entry.settled);
  }

  /** Publishes one claim. @throws MamError `bad_input` if it is too long, `io` if it could not be stored anywhere */
  async claim(claim: Claim): Promise<ClaimOutcome> {
    const known = this.#sent.get(claim.event_id) ?? this.#boxed.get(claim.event_id);
    if (known !== undefined && !known.settled) return known.promise;
    const entry = this.#entry(claim);
    this.#askOfGone();
    if (this.#newest.has(claim.job_id)) {
      entry.why = 'Earlier events of this job are still waiting in the outbox.';
      this.#box([entry]);
    } else {
      this.#sent.set(claim.event_id, entry);
      this.#options.send(entry.topic, entry.payload);
      this.#watch();
    }
    return entry.promise;
  }

  /** Handles the hub's answer to a claim; an answer that nobody waits for is dropped. */
  takeReply(reply: ClaimReply): void {
    const entry = this.#sent.get(reply.event_id) ?? this.#boxed.get(reply.event_id);
    if (entry === undefined) return;
    if (reply.retry === true) {
      // A failure for one job must not delay the others.
      const ofJob = (other: Entry): boolean => other.claim.job_id === entry.claim.job_id;
      if (this.#sent.has(reply.event_id)) this.#spill(reply.refusal ?? 'The hub could not write it.', ofJob);
      return;
    }
    if (reply.unknown === true && this.#options.manyHubs && entry.unknown === undefined) {
      // Every hub on a shared broker answers, and the one with the job may be slower.
      entry.unknown = reply;
      return;
    }
    this.#answered(entry, reply);
    this.#watch();
  }

  /** On a new connection all claims in flight are sent again, in order, before any newer one. */
  resend(): void {
    for (const { topic, payload } of this.#sent.values()) this.#options.send(topic, payload);
    // Kept files may have been removed.
    this.#askOfGone();
  }

  /** Puts all claims in flight into the outbox without waiting for answers; resolves when every outcome is known. */
  async flush(why: string): Promise<void> {
    // Too late to send any claim again: what is in the outbox now is kept.
    for (const entry of [...this.#sent.values(), ...this.#boxed.values()]) entry.asked = true;
    this.#spill(why);
    await this.#writing;
    this.#box([...this.#boxed.values()].filter(({ settled }) => !settled));
    await this.#writing;
  }

  #entry(given: Claim): Entry {
    const { realm, replyTo } = this.#options;
    const topic = claimTopic(realm, given.job_id);
    const seq = (this.#perJob.get(given.job_id) ?? 0) + 1;
    const claim: Claim = { ...given, writer: this.#writer, writer_seq: seq, reply_to: replyTo };
    const payload = JSON.stringify(claim);
    if (Buffer.byteLength(payload) > LIMITS.payloadBytes) {
      // A long result is already handed over as a file.
      const remedy =
        Buffer.byteLength(JSON.stringify(claim.files ?? [])) > LIMITS.payloadBytes / 2
          ? 'The names in files take up most of it: name fewer, or name their folder.'
          : 'Shorten it, or hand over a long result as a file.';
      throw new MamError('bad_input', `The event is longer than ${LIMITS.payloadBytes} bytes.`, remedy);
    }
    this.#perJob.set(given.job_id, seq);
    let resolve: Entry['resolve'] = () => {};
    let reject: Entry['reject'] = () => {};
    const promise = new Promise<ClaimOutcome>((ok, failed) => {
      resolve = ok;
      reject = failed;
    });
    const deadline = performance.now() + this.#patienceMs;
    const order = ++this.#order;
    const fresh = { why: '', settled: false, answered: false, asked: false };
    return { claim, topic, payload, order, deadline, promise, resolve, reject, ...fresh };
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? PATIENCE_MS;
  }

  get #tooLate(): string {
    return (
      this.#options.whyNoHub?.() ?? `The hub did not acknowledge it within ${this.#patienceMs / 1000} s.`
    );
  }

  /** Watches the deadline of the oldest claim in flight. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    const oldest = this.#sent.values().next().value;
    if (oldest === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const first = this.#sent.values().next().value;
        if (first === undefined) return;
        if (first.deadline > performance.now()) return this.#watch();
        if (first.unknown === undefined) return this.#spill(this.#tooLate);
        this.#answered(first, first.unknown);
        this.#watch();
      },
      Math.max(0, oldest.deadline - performance.now()),
    );
  }

  #spill(why: string, which: (entry: Entry) => boolean = () => true): void {
    const sent = [...this.#sent.values()].filter(which);
    for (const { claim } of sent) this.#sent.delete(claim.event_id);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const entry of sent) {
      entry.why = why;
      if (entry.unknown !== undefined) this.#answered(entry, entry.unknown);
    }
    this.#box(sent.filter(({ unknown }) => unknown === undefined));
    this.#watch();
  }

  #answered(entry: Entry, reply: ClaimReply): void {
    entry.answered = true;
    const { event_id, type, job_id } = entry.claim;
    if (entry.settled && !reply.recorded)
      this.#refused.push(`Your earlier report ${type} for job ${job_id} was refused: ${reply.refusal ?? ''}`);
    this.#finish(entry, { kind: 'answered', reply });
    this.#sent.delete(event_id);
    if (entry.file !== undefined) void this.#unbox(entry);
  }

  #box(entries: Entry[]): void {
    for (const entry of entries) {
      this.#boxed.set(entry.claim.event_id, entry);
      this.#newest.set(entry.claim.job_id, entry);
    }
    this.#writing = this.#writing.then(async () => {
      for (const entry of entries) await this.#keep(entry);
    });
  }

  async #keep(entry: Entry): Promise<void> {
    const { home } = this.#options;
    try {
      if (home === undefined) throw new Error('this process has no outbox folder');
      if (!entry.answered) entry.file = await keepInOutbox(outboxFolder(home), this.#writer, entry.claim);
    } catch (error) {
      this.#drop(entry);
      if (!entry.settled) entry.reject(notStored(entry, error as Error));
      entry.settled = true;
      return;
    }
    if (entry.answered) await this.#unbox(entry);
    else if (entry.asked) this.#finish(entry, { kind: 'kept', why: entry.why });
    else if (!entry.settled)
      entry.timer = setTimeout(() => this.#conclude(entry), Math.max(0, entry.deadline - performance.now()));
    entry.asked = false;
  }

  #conclude(entry: Entry): void {
    if (entry.unknown !== undefined) this.#answered(entry, entry.unknown);
    else if (isThere(entry)) this.#finish(entry, { kind: 'kept', why: entry.why });
    else this.#askAgain(this.#boxedOf(entry.claim.job_id).filter(({ order }) => order <= entry.order));
  }

  /** The claim was answered, so the hub need not see the copy. */
  async #unbox(entry: Entry): Promise<void> {
    if (entry.file !== undefined) await unlink(entry.file).catch(() => {});
    this.#drop(entry);
  }

  #drop(entry: Entry): void {
    const { event_id, job_id } = entry.claim;
    this.#boxed.delete(event_id);
    if (this.#newest.get(job_id) !== entry) return;
    const left = this.#boxedOf(job_id).at(-1);
    if (left === undefined) this.#newest.delete(job_id);
    else this.#newest.set(job_id, left);
  }

  #boxedOf(jobId: string): Entry[] {
    return [...this.#boxed.values()].filter(({ claim }) => claim.job_id === jobId);
  }

  /** The hub takes a job's files in order: once the last one is gone, all are, and the hub is asked about them. */
  #askOfGone(): void {
    for (const [jobId, newest] of this.#newest) {
      if (newest.file === undefined || !newest.settled || isThere(newest)) continue;
      this.#askAgain(this.#boxedOf(jobId));
    }
  }

  /** Only the hub knows what happened to these; it records no event twice, and repeats its answers. */
  #askAgain(entries: Entry[]): void {
    for (const entry of entries) {
      clearTimeout(entry.timer);
      this.#drop(entry);
      delete entry.file;
      entry.asked = true;
      entry.why = this.#tooLate;
      entry.deadline = performance.now() + this.#patienceMs;
      this.#sent.set(entry.claim.event_id, entry);
      this.#options.send(entry.topic, entry.payload);
    }
    this.#watch();
  }

  #finish(entry: Entry, outcome: ClaimOutcome): void {
    clearTimeout(entry.timer);
    if (entry.settled) return;
    entry.settled = true;
    const earlier = this.#refused.splice(0);
    entry.resolve(earlier.length === 0 ? outcome : { ...outcome, earlier });
  }
}

function notStored({ why }: Entry, cause: Error): MamError {
  const what = `The event could not be stored anywhere: ${why} The outbox failed too: ${cause.message}.`;
  const remedy = 'Free disk space or make MAM_HOME writable, then report again.';
  return new MamError('io', what, remedy, { cause });
}

function isThere({ file }: Entry): boolean {
  return file !== undefined && existsSync(file);
}
