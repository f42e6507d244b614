import { explain, MamError } from '../../base/errors.ts';
import { isObject, parseJson } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine, someOf } from '../../base/text.ts';
import { dropSpool, takeSpool } from '../../bus/spool/spool.ts';
import { type Claim, parseClaim, refused } from '../../job/claim.ts';
import type { ClaimReply } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { PaneOwners } from '../panes/pane-owners.ts';
import { answerTo } from './claim-answer.ts';
import { type Elsewhere, publicAnswer } from './elsewhere.ts';
import type { EventRates } from './event-rates.ts';
import type { HomeClaims } from './home-claims.ts';

/** How many open jobs a refusal names. */
const NAMED_JOBS = 5;
/** Errors that may go away: a full disk, another hub that still writes the registry, a journal that is being restored. */
const RETRIED: readonly string[] = ['io', 'conflict', 'unavailable'];

/** Which way a claim came: over the private socket, from the outbox, or over the external broker. */
export type ClaimWay = 'socket' | 'outbox' | 'outside';

/** Takes events as claims: checks them, records the valid ones, and answers the publisher. */
export class Claims {
  readonly #with;
  /** By job: settles when its last claim so far has its place in the journal. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(parts: {
    registrar: Registrar;
    owners: PaneOwners;
    rates: EventRates;
    home: string;
    log: Log;
    /** Other hubs, if there is a broker for programs that are no hubs. */
    elsewhere: Elsewhere | undefined;
    /** The homes of jobs that are only copies here. */
    homes: Pick<HomeClaims, 'pass'>;
    /** Settles when this job's kept events were taken; rejects when they can't be. */
    earlier: (jobId: string) => Promise<void> | undefined;
    /** Settles when the jobs of the last hub are taken up; undefined once they are. */
    ready: () => Promise<void> | undefined;
    reply: (topic: string, reply: ClaimReply, from: ClaimWay) => void;
  }) {
    this.#with = parts;
  }

  /**
   * A claim from the broker or the outbox. A claim is answered on its `reply_to`, if it has one.
   * @param from `outbox`: its publisher waits for no answer, so no message for the peer may go with it; `outside`: it came
   * over the external broker, where anyone may have sent it
   * @param isKept it was read from the outbox, whichever way it came, so it need not wait for earlier events there
   * @returns when it is settled: on disk, or refused for good
   * @throws when it can't be written now but may be later: it must not be acknowledged
   */
  async takeClaim(
    jobId: string,
    payload: Buffer | string,
    from: ClaimWay = 'socket',
    isKept = false,
  ): Promise<void> {
    const raw = parseJson(payload.toString());
    if (!isObject(raw)) {
      this.#with.log.warn(`a claim on ${jobId} is not a JSON object and was dropped`);
      return;
    }
    const { claim, refusal } = parseClaim(raw, jobId, from === 'outside');
    const { answer, failed } =
      claim === undefined ? { answer: refusal } : await this.#judgeNamed(claim, from, isKept);
    if (from === 'outbox' && failed === undefined && !answer.recorded)
      this.#with.log.warn(
        `an event of ${jobId} that was kept is refused: ${cleanLine(answer.refusal ?? '', 300)}`,
      );
    // Every hub on a broker hears it: only the one that has the job answers.
    const isElsewheres = from === 'outside' && answer.unknown === true;
    if (typeof raw['reply_to'] === 'string' && !isElsewheres)
      this.#with.reply(raw['reply_to'], from === 'outside' ? publicAnswer(answer) : answer, from);
    if (failed !== undefined) throw failed;
  }

  /**
   * A report from another host, as a peer's, about a job of this one.
   * @param mayReport whether that host may report on this job: if not, the job is as unknown as one that is not here
   * @returns the answer for its publisher; undefined for a job that is not here: only a job's home answers
   */
  async takeFrom(
    jobId: string,
    raw: Record<string, unknown>,
    mayReport: (job: LiveJob) => boolean,
  ): Promise<ClaimReply | undefined> {
    const job = await this.#find(jobId);
    if (job === undefined || !mayReport(job)) return undefined;
    const { claim, refusal } = parseClaim(raw, jobId, true);
    if (claim === undefined) return publicAnswer(refusal);
    const { answer } = await this.#judge(claim, 'outside', false);
    return answer.unknown === true ? undefined : publicAnswer(answer);
  }

  /** True if a job that is here has this event in its journal. @throws MamError as `Registrar.find`, but for an unknown job */
  async has(jobId: string, eventId: string): Promise<boolean> {
    return (await this.#find(jobId))?.has(eventId) === true;
  }

  /**
   * Our own publishers may name the job by its random part: others on the socket, and all on an external broker, must give
   * the whole id.
   */
  async #judgeNamed(
    claim: Claim,
    from: ClaimWay,
    isKept: boolean,
  ): Promise<{ answer: ClaimReply; failed?: unknown }> {
    const { registrar, ready } = this.#with;
    const { job_id: given, origin } = claim;
    const isOurs = from !== 'outside' && origin !== undefined;
    if (!isOurs || registrar.held(given) !== undefined) return this.#judge(claim, from, isKept);
    if (registrar.reported(given) === given) await ready();
    const job_id = registrar.reported(given);
    const judged = await this.#judge({ ...claim, job_id }, from, isKept);
    return job_id === given ? judged : { ...judged, answer: { ...judged.answer, job_id } };
  }

  async #judge(
    claim: Claim,
    from: ClaimWay,
    isKept: boolean,
  ): Promise<{ answer: ClaimReply; failed?: unknown }> {
    const { job_id: jobId, result_spool: spool } = claim;
    const earlier = isKept ? undefined : this.#with.earlier(jobId);
    let done = (): void => {};
    try {
      // Before it takes its turn: the events that it waits for are about the same job.
      if (earlier !== undefined) await earlier;
      const place = this.#queueUp(jobId);
      done = place.done;
      if (place.turn !== undefined) await place.turn;
      const unheard = from !== 'socket' || claim.reply_to === undefined;
      const answer = await this.#recordClaim({ ...claim, ...(unheard && { unheard }) }, from, done);
      // Refused for good: nobody will need the spooled result.
      if (spool !== undefined && !answer.recorded) await this.#drop(spool);
      return { answer };
    } catch (error) {
      const retry = error instanceof MamError && RETRIED.includes(error.code);
      const answer = { ...refused(claim.event_id, explain(error)), ...(retry && { retry }) };
      if (retry) return { answer, failed: error };
      if (!(error instanceof MamError)) this.#with.log.error(`claim on ${jobId} failed`, error);
      if (spool !== undefined) await this.#drop(spool);
      return { answer };
    } finally {
      done();
    }
  }

  async #drop(spool: string): Promise<void> {
    await dropSpool(this.#with.home, spool).catch(() => {});
  }

  /** Claims on one job are recorded in the order of their arrival, even if a result must be read from a file first. */
  #queueUp(jobId: string) {
    const turn = this.#turns.get(jobId);
    const { promise: mine, resolve } = newTurn();
    const done = (): void => {
      if (this.#turns.get(jobId) === mine) this.#turns.delete(jobId);
      resolve();
    };
    this.#turns.set(jobId, mine);
    return { turn, done };
  }

  /** @param placed called as soon as the claim has its place in the journal's order */
  async #recordClaim(claim: Claim, from: ClaimWay, placed: () => void): Promise<ClaimReply> {
    const { job_id: jobId } = claim;
    const mine = this.#with.owners.openJobOf(claim.origin);
    const found = await this.#find(jobId);
    const host = found?.record.home?.host;
    if (host !== undefined && from !== 'outside')
      return found?.record.home?.state === 'lost'
        ? refused(claim.event_id, `${host} does not have this job any more: the report changes nothing.`)
        : this.#toHome(host, claim, from);
    // A copy says nothing to others: its home does.
    const job = host === undefined ? found : undefined;
    if (job === undefined) {
      const passed = from === 'outside' ? undefined : await this.#passOn(claim, from, placed);
      return passed ?? { ...refused(claim.event_id, this.#unknownJob(mine)), unknown: true };
    }
    if (mine !== undefined && mine.id !== job.id && !this.#with.owners.isQueuedIn(job, mine)) {
      const what = `Job ${job.id} was given to another pane. The job of your pane is ${mine.id}.`;
      return refused(claim.event_id, `${what} Report again with job_id "${mine.id}".`);
    }
    // An event that is in the journal already gets the same answer again.
    const known = job.has(claim.event_id);
    const tooMuch = known ? undefined : this.#with.rates.countEvent(job, claim.type, from === 'outbox');
    if (tooMuch !== undefined) return this.#refuse(job, claim, tooMuch);
    const { reply_to: _, result_spool: spool, origin: __, ...event } = claim;
    if (spool !== undefined) event.result = await this.#resultIn(spool, known);
    const tooLong = 'The result is longer than 1 MiB: write it to a file and name the file in files.';
    if (event.result !== undefined && Buffer.byteLength(event.result) > LIMITS.resultBytes)
      return refused(claim.event_id, tooLong);
    const { type, event_id, job_id, source, at } = event;
    const recording = this.#with.registrar.record(job, { ...event, type, event_id, job_id, source, at });
    placed();
    const recorded = await recording;
    if (spool !== undefined) await this.#drop(spool);
    return answerTo(job, recorded, this.#with.log);
  }

  /** Finds a job; undefined if it is still unknown when the jobs of the last hub are taken up. */
  async #find(jobId: string): Promise<LiveJob | undefined> {
    const ready = this.#with.ready();
    const look = () =>
      this.#with.registrar.find(jobId).catch((error: unknown) => {
        if (error instanceof MamError && error.code === 'not_found') return undefined;
        throw error;
      });
    const job = await look();
    if (job !== undefined || ready === undefined) return job;
    await ready;
    return look();
  }

  /** The home records it; until it has answered, later reports on the job wait. */
  async #toHome(host: string, claim: Claim, from: ClaimWay): Promise<ClaimReply> {
    const { result_spool: spool } = claim;
    const result = spool === undefined ? claim.result : await takeSpool(this.#with.home, spool);
    const answer = await this.#with.homes.pass(host, { ...claim, result }, from === 'outbox');
    if (spool !== undefined && answer.recorded) await this.#drop(spool);
    return answer;
  }

  /** Passes a claim on to the hub that has the job, if that is on another machine. */
  async #passOn(claim: Claim, from: ClaimWay, placed: () => void): Promise<ClaimReply | undefined> {
    if (this.#with.elsewhere === undefined) return undefined;
    const { result_spool: spool } = claim;
    const result = spool === undefined ? claim.result : await takeSpool(this.#with.home, spool);
    const passing = this.#with.elsewhere.pass({ ...claim, result }, from === 'outbox');
    placed();
    const answer = await passing;
    if (spool !== undefined && answer?.recorded === true) await this.#drop(spool);
    return answer;
  }

  /** @param known the event is in the journal already, or being written: then its spooled result may be dropped by now */
  async #resultIn(spool: string, known: boolean): Promise<string | undefined> {
    try {
      return await takeSpool(this.#with.home, spool);
    } catch (error) {
      if (known && error instanceof MamError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /** Refuses a runaway's event. It is acknowledged and answered, so that nobody sends it again. */
  async #refuse(job: LiveJob, claim: Claim, { why, tell }: { why: string; tell: boolean }) {
    if (tell)
      await this.#with.registrar.noteNow(job, 'throttled', { detail: why, data: { type: claim.type } });
    return { ...refused(claim.event_id, why), status: job.record.status };
  }

  #unknownJob(mine: LiveJob | undefined): string {
    if (mine !== undefined)
      return `There is no job with this id. The job of your pane is ${mine.id}: report with job_id "${mine.id}".`;
    const open = this.#with.registrar.open.map((job) => job.id);
    if (open.length === 0)
      return `There is no job with this id, and no job is open. Take the id from the order in your pane. If it is right, another hub has the job: this is the hub of MAM_HOME ${this.#with.home}.`;
    return `There is no job with this id. Open jobs: ${someOf(open, NAMED_JOBS)}. Take the id from the order in your pane.`;
  }
}

/** A turn that others wait for until it is resolved. */
export function newTurn() {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
