import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import { dropSpool, takeSpool } from '../../bus/spool/spool.ts';
import type { Claim } from '../../job/claim.ts';
import { parseClaim, refused } from '../../job/claim.ts';
import type { ClaimReply } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import { messagesFor, untilAnswered } from '../../job/messages.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { firstTaskPage, type TaskPage } from '../jobs/task.ts';
import type { PaneOwners } from '../panes/pane-owners.ts';
import { type Elsewhere, publicAnswer } from './elsewhere.ts';
import type { EventRates } from './event-rates.ts';

/** How many open jobs a refusal names. */
const NAMED_JOBS = 5;
/** What may pass: a full disk, another hub that still writes the registry, a journal that somebody restores. */
const RETRIED: readonly string[] = ['io', 'conflict', 'unavailable'];

/** Which way a claim came: over the private socket, out of the outbox, or over the external broker. */
export type ClaimWay = 'socket' | 'outbox' | 'outside';

/** Takes events as claims: checks them, records what can be recorded, and answers the publisher. */
export class Claims {
  private readonly registrar: Registrar;
  private readonly owners: PaneOwners;
  private readonly rates: EventRates;
  private readonly home: string;
  private readonly log: Log;
  private readonly elsewhere: Elsewhere | undefined;
  private readonly earlier: (jobId: string) => Promise<void> | undefined;
  private readonly ready: () => Promise<void> | undefined;
  private readonly reply: (topic: string, reply: ClaimReply, from: ClaimWay) => void;
  /** Of each job with a claim on its way: settles when the last one has its place in the journal. */
  private readonly turns = new Map<string, Promise<void>>();

  /**
   * @param options.elsewhere other hubs, where there is an external broker
   * @param options.earlier settles when what is kept of this job was taken; fails when that can't be taken
   * @param options.ready settles when the jobs of the last hub are taken up; nothing once they are
   */
  constructor(options: {
    registrar: Registrar;
    owners: PaneOwners;
    rates: EventRates;
    home: string;
    log: Log;
    elsewhere: Elsewhere | undefined;
    earlier: (jobId: string) => Promise<void> | undefined;
    ready: () => Promise<void> | undefined;
    reply: (topic: string, reply: ClaimReply, from: ClaimWay) => void;
  }) {
    this.registrar = options.registrar;
    this.owners = options.owners;
    this.rates = options.rates;
    this.home = options.home;
    this.log = options.log;
    this.elsewhere = options.elsewhere;
    this.earlier = options.earlier;
    this.ready = options.ready;
    this.reply = options.reply;
  }

  /**
   * A claim from the broker or the outbox. Every claim is answered on its `reply_to`, if it has one.
   * @param from `outbox`: its publisher has gone on without the answer, so that no message for the peer may go with it;
   * `outside`: it came over the external broker, where anybody may have sent it
   * @param isKept it is read from the outbox now, whichever way it came: its turn is there
   * @returns when it is settled: on disk, or refused for good
   * @throws when it could not be written now but may be later: it must not be acknowledged
   */
  async take(
    jobId: string,
    payload: Buffer | string,
    from: ClaimWay = 'socket',
    isKept = false,
  ): Promise<void> {
    const raw = parseObject(payload);
    if (raw === undefined) {
      this.log.warn(`a claim on ${jobId} is no JSON object and was dropped`);
      return;
    }
    const { claim, refusal } = parseClaim(raw, jobId, from === 'outside');
    const { answer, failed } =
      claim === undefined ? { answer: refusal } : await this.judge(claim, from, isKept);
    if (from === 'outbox' && failed === undefined && !answer.recorded)
      this.log.warn(`an event of ${jobId} that was kept is refused: ${cleanLine(answer.refusal ?? '', 300)}`);
    if (typeof raw['reply_to'] === 'string')
      this.reply(raw['reply_to'], from === 'outside' ? publicAnswer(answer) : answer, from);
    if (failed !== undefined) throw failed;
  }

  private async judge(
    claim: Claim,
    from: ClaimWay,
    isKept: boolean,
  ): Promise<{ answer: ClaimReply; failed?: unknown }> {
    const { job_id: jobId, result_spool: spool } = claim;
    const earlier = isKept ? undefined : this.earlier(jobId);
    let done = (): void => {};
    try {
      // Before it takes its place: what it waits for is of the same job.
      if (earlier !== undefined) await earlier;
      const place = this.queueUp(jobId);
      done = place.done;
      if (place.turn !== undefined) await place.turn;
      const unheard = from !== 'socket' || claim.reply_to === undefined;
      const answer = await this.settle({ ...claim, ...(unheard && { unheard }) }, from, done);
      // Refused for good: nobody will come for its text.
      if (spool !== undefined && !answer.recorded) await this.drop(spool);
      return { answer };
    } catch (error) {
      const retry = error instanceof MamError && RETRIED.includes(error.code);
      const answer = { ...refused(claim.event_id, explain(error)), ...(retry && { retry }) };
      if (retry) return { answer, failed: error };
      if (!(error instanceof MamError)) this.log.error(`claim on ${jobId} failed`, error);
      if (spool !== undefined) await this.drop(spool);
      return { answer };
    } finally {
      done();
    }
  }

  private async drop(spool: string): Promise<void> {
    await dropSpool(this.home, spool).catch(() => {});
  }

  /** Claims on one job take their places in the order of their arrival, even where one has to be read from a file. */
  private queueUp(jobId: string): { turn: Promise<void> | undefined; done: () => void } {
    const turn = this.turns.get(jobId);
    let done = (): void => {};
    const mine = new Promise<void>((resolve) => {
      done = () => {
        if (this.turns.get(jobId) === mine) this.turns.delete(jobId);
        resolve();
      };
    });
    this.turns.set(jobId, mine);
    return { turn, done };
  }

  /** @param placed called as soon as the claim has its place in the journal's order */
  private async settle(claim: Claim, from: ClaimWay, placed: () => void): Promise<ClaimReply> {
    const { job_id: jobId } = claim;
    const mine = this.owners.openJobOf(claim.origin);
    const job = await this.find(jobId);
    if (job === undefined) {
      const passed = from === 'outside' ? undefined : await this.passOn(claim, from, placed);
      return passed ?? { ...refused(claim.event_id, this.unknownJob(mine)), unknown: true };
    }
    if (mine !== undefined && mine.id !== job.id && !this.owners.isQueuedIn(job, mine)) {
      const yours = `The job of your pane is ${mine.id}.`;
      return refused(
        claim.event_id,
        `Job ${job.id} was given to another pane. ${yours} Report again with job_id "${mine.id}".`,
      );
    }
    // What is in the journal already is answered as it was.
    const known = job.has(claim.event_id);
    const tooMuch = known ? undefined : this.rates.take(job, claim.type, from === 'outbox');
    if (tooMuch !== undefined) return this.refuse(job, claim, tooMuch);
    const { reply_to: _, result_spool: spool, origin: __, ...event } = claim;
    if (spool !== undefined) event.result = await this.resultIn(spool, known);
    if (event.result !== undefined && Buffer.byteLength(event.result) > LIMITS.resultBytes) {
      return refused(
        claim.event_id,
        'The result is longer than 1 MiB: write it to a file and name that in files.',
      );
    }
    const { type, event_id, job_id, source, at } = event;
    const recording = this.registrar.record(job, { ...event, type, event_id, job_id, source, at });
    placed();
    const recorded = await recording;
    if (spool !== undefined) await this.drop(spool);
    return this.told(job, recorded);
  }

  /** Nothing for a job that is unknown once those of the last hub are taken up. */
  private async find(jobId: string): Promise<LiveJob | undefined> {
    const ready = this.ready();
    const look = () =>
      this.registrar.find(jobId).catch((error: unknown) => {
        if (error instanceof MamError && error.code === 'not_found') return undefined;
        throw error;
      });
    const job = await look();
    if (job !== undefined || ready === undefined) return job;
    await ready;
    return look();
  }

  /** To the hub that has the job, where that is on another machine. */
  private async passOn(claim: Claim, from: ClaimWay, placed: () => void): Promise<ClaimReply | undefined> {
    if (this.elsewhere === undefined) return undefined;
    const { result_spool: spool } = claim;
    const result = spool === undefined ? claim.result : await takeSpool(this.home, spool);
    const passing = this.elsewhere.pass({ ...claim, result }, from === 'outbox');
    placed();
    const answer = await passing;
    if (spool !== undefined && answer?.recorded === true) await this.drop(spool);
    return answer;
  }

  /** @param known the event is in the journal, or on its way there: its text was dropped when that was kept */
  private async resultIn(spool: string, known: boolean): Promise<string | undefined> {
    try {
      return await takeSpool(this.home, spool);
    } catch (error) {
      if (known && error instanceof MamError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /** Refuses what a runaway sends: acknowledged and answered, so that nobody sends it again. */
  private async refuse(job: LiveJob, claim: Claim, { why, tell }: { why: string; tell: boolean }) {
    if (tell) await this.registrar.noteNow(job, 'throttled', { detail: why, data: { type: claim.type } });
    return { ...refused(claim.event_id, why), status: job.record.status };
  }

  /** What has its place in the journal is answered so, whatever becomes of the rest of the answer. */
  private told(job: LiveJob, recorded: Recorded): ClaimReply {
    const { event, after } = recorded;
    const { event_id, seq } = event;
    const base: ClaimReply = { event_id, accepted: true, recorded: true, seq, status: after.status };
    try {
      return this.answer(job, recorded, base);
    } catch (error) {
      this.log.error(`the answer to ${event.type} of ${job.id} is not whole`, error);
      return base;
    }
  }

  private answer(job: LiveJob, recorded: Recorded, base: ClaimReply): ClaimReply {
    const { event, before, after } = recorded;
    const wasFinal = before !== undefined && isFinal(before.status) && !recorded.repeated;
    const amended =
      wasFinal &&
      (after.status !== before.status || after.phase === 'validating' || after.late !== before.late);
    if (isFinal(after.status) && (event.type === 'started' || event.type === 'progress')) {
      return { ...base, accepted: false, refusal: stopText(after) };
    }
    if (wasFinal && !amended) {
      return {
        ...base,
        accepted: false,
        refusal: `${endText(after)} Your report is kept in its log and changes nothing.`,
      };
    }
    if (amended) base.amended = amendedText(before, after);
    const messages = messagesFor(after, event.seq);
    if (event.type === 'started')
      return { ...base, ...startedAnswer(job), ...(messages.length > 0 && { messages }) };
    const asks = untilAnswered(event.type, after.agent === 'human' ? job.id : undefined);
    if (messages.length > 0) {
      const end = isFinal(after.status) ? 'The job has ended with this report.' : undefined;
      const then = asks ?? end ?? 'Then go on, and report as before.';
      return { ...base, messages, next: `Read the messages and act on them. ${then}` };
    }
    if (asks !== undefined) return { ...base, next: asks };
    if (after.phase === 'validating') {
      return {
        ...base,
        next: 'Your result is being checked by the validation script; the job counts as completed when it passes.',
      };
    }
    return base;
  }

  private unknownJob(mine: LiveJob | undefined): string {
    if (mine !== undefined)
      return `There is no job with this id. The job of your pane is ${mine.id}: report with job_id "${mine.id}".`;
    const open = this.registrar.open.slice(0, NAMED_JOBS).map((job) => job.id);
    if (open.length === 0)
      return `There is no job with this id, and no job is open. Take the id from the order in your pane. If it is right, its hub is another one: this is that of MAM_HOME ${this.home}.`;
    return `There is no job with this id. Open jobs: ${open.join(', ')}. Take the id from the order in your pane.`;
  }
}

function startedAnswer(job: LiveJob): Partial<ClaimReply> {
  const { workdir, job_id: id } = job.record;
  let page: TaskPage;
  try {
    page = firstTaskPage(job);
  } catch (error) {
    // It is recorded: sent again it would be refused again, and hold up every later report.
    return { accepted: false, refusal: explain(error) };
  }
  return {
    ...page,
    workdir,
    next: `Work in ${workdir}. Report with job_id "${id}": progress now and then; question when you need an answer; permission_required when you wait for one; completed with a one-line summary in detail when done; error with the reason when you cannot. Report even if you fail.`,
  };
}

function stopText(record: JobRecord): string {
  return `Stop: ${endText(record)} Do not work on it.`;
}

function endText(record: JobRecord): string {
  const reason = record.reason === undefined ? '' : ` (${record.reason})`;
  const { status, final_at: at } = record;
  return status === 'failed'
    ? `This job failed${reason}${at === undefined ? '' : ` at ${at}`}.`
    : `This job has been ${status}${reason} since ${at ?? 'before'}.`;
}

function amendedText(before: JobRecord, { phase }: JobRecord): string {
  const how = phase === 'validating' ? 'amends that end if it passes its check' : 'amends that end';
  return `${endText(before).replace(' has been ', ' had been ')} Your late report ${how}.`;
}

function parseObject(payload: Buffer | string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
