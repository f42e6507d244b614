import { dropSpool, takeSpool } from '../bus/spool.ts';
import { explain, MamError } from '../errors.ts';
import { type Claim, type ClaimReply, claimSchema } from '../job/event.ts';
import { newEventId } from '../job/id.ts';
import { LIMITS } from '../job/limits.ts';
import { messagesFor } from '../job/messages.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal, MAKERS } from '../job/words.ts';
import type { EventRates } from './event-rates.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Log } from './log.ts';
import type { PaneOwners } from './pane-owners.ts';
import type { Registrar } from './registrar.ts';
import { firstTaskPage } from './task.ts';

/** How many open jobs a refusal names. */
const NAMED_JOBS = 5;

/** Takes events as claims: checks them, records what can be recorded, and answers the publisher. */
export class Claims {
  private readonly registrar: Registrar;
  private readonly owners: PaneOwners;
  private readonly rates: EventRates;
  private readonly home: string;
  private readonly log: Log;
  private readonly reply: (topic: string, reply: ClaimReply) => void;
  /** Of each job with a claim on its way: settles when the last one has its place in the journal. */
  private readonly turns = new Map<string, Promise<void>>();

  constructor(options: {
    registrar: Registrar;
    owners: PaneOwners;
    rates: EventRates;
    home: string;
    log: Log;
    reply: (topic: string, reply: ClaimReply) => void;
  }) {
    this.registrar = options.registrar;
    this.owners = options.owners;
    this.rates = options.rates;
    this.home = options.home;
    this.log = options.log;
    this.reply = options.reply;
  }

  /**
   * A claim from the broker or the outbox. Every claim is answered on its `reply_to`, if it has one.
   * @param late its publisher has gone on without the answer, so that no message for the peer may go with it
   * @returns when it is settled: on disk, or refused for good
   * @throws when it could not be written now but may be later: it must not be acknowledged
   */
  async take(jobId: string, payload: Buffer | string, { late = false } = {}): Promise<void> {
    const raw = parseObject(payload);
    if (raw === undefined) {
      this.log.warn(`a claim on ${jobId} is no JSON object and was dropped`);
      return;
    }
    // One line of mosquitto_pub is a claim as well: what it leaves out is filled in.
    const filled = {
      event_id: newEventId(),
      job_id: jobId,
      source: 'peer',
      at: new Date().toISOString(),
      ...raw,
    };
    const parsed = claimSchema.safeParse(filled);
    let answer: ClaimReply;
    let failed: unknown;
    if (!parsed.success) {
      answer = refusal(eventIdOf(filled), badField(parsed.error.issues[0]));
    } else {
      const { turn, done } = this.queueUp(jobId);
      try {
        if (turn !== undefined) await turn;
        const unheard = late || parsed.data.reply_to === undefined;
        answer = await this.settle(jobId, { ...parsed.data, ...(unheard && { unheard }) }, late, done);
      } catch (error) {
        const retry = error instanceof MamError && (error.code === 'io' || error.code === 'conflict');
        answer = { ...refusal(parsed.data.event_id, explain(error)), ...(retry && { retry }) };
        if (retry) failed = error;
        else if (!(error instanceof MamError)) this.log.error(`claim on ${jobId} failed`, error);
      } finally {
        done();
      }
      const { result_spool: spool } = parsed.data;
      // Refused for good: nobody will come for its text.
      if (spool !== undefined && !answer.recorded && answer.retry !== true)
        await dropSpool(this.home, spool).catch(() => {});
    }
    if (typeof raw['reply_to'] === 'string') this.reply(raw['reply_to'], answer);
    if (failed !== undefined) throw failed;
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

  /**
   * @param late it comes from the outbox
   * @param placed called as soon as the claim has its place in the journal's order
   */
  private async settle(jobId: string, claim: Claim, late: boolean, placed: () => void): Promise<ClaimReply> {
    if (claim.job_id !== jobId)
      return refusal(claim.event_id, "The event's job_id is not the one of its topic.");
    const makers = MAKERS[claim.type];
    if (claim.source === 'hub' || (makers !== undefined && !makers.includes(claim.source))) {
      return refusal(claim.event_id, `An event ${claim.type} cannot come from a ${claim.source}.`);
    }
    const mine = this.owners.openJobOf(claim.origin);
    let job: LiveJob;
    try {
      job = await this.registrar.find(jobId);
    } catch (error) {
      if (!(error instanceof MamError) || error.code !== 'not_found') throw error;
      return { ...refusal(claim.event_id, this.unknownJob(mine)), unknown: true };
    }
    if (mine !== undefined && mine.id !== job.id && !this.owners.isQueuedIn(job, mine)) {
      const yours = `The job of your pane is ${mine.id}.`;
      return refusal(
        claim.event_id,
        `Job ${job.id} was given to another pane. ${yours} Report again with job_id "${mine.id}".`,
      );
    }
    // What is in the journal already is answered as it was.
    const known = job.has(claim.event_id);
    const tooMuch = known ? undefined : this.rates.take(job, claim.type, late);
    if (tooMuch !== undefined) return this.refuse(job, claim, tooMuch);
    const { reply_to: _, result_spool: spool, origin: __, ...event } = claim;
    if (spool !== undefined) event.result = await this.resultIn(spool, known);
    if (event.result !== undefined && Buffer.byteLength(event.result) > LIMITS.resultBytes) {
      return refusal(
        claim.event_id,
        'The result is longer than 1 MiB: write it to a file and name that in files.',
      );
    }
    const { type, event_id, job_id, source, at } = event;
    const recording = this.registrar.record(job, { ...event, type, event_id, job_id, source, at });
    placed();
    const recorded = await recording;
    if (spool !== undefined) await dropSpool(this.home, spool);
    return this.answer(job, recorded);
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
    if (tell) await this.registrar.note(job, 'throttled', { detail: why, data: { type: claim.type } });
    return { ...refusal(claim.event_id, why), status: job.record.status };
  }

  private answer(job: LiveJob, recorded: Recorded): ClaimReply {
    const { event, before, after } = recorded;
    const base: ClaimReply = {
      event_id: event.event_id,
      accepted: true,
      recorded: true,
      seq: event.seq,
      status: after.status,
    };
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
    if (amended) base.amended = amendedText(before);
    const messages = messagesFor(after, event.seq);
    if (event.type === 'started')
      return { ...base, ...startedAnswer(job), ...(messages.length > 0 && { messages }) };
    if (messages.length > 0) {
      return {
        ...base,
        messages,
        next: 'Read the messages and act on them; then go on, and report as before.',
      };
    }
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
      return 'There is no job with this id, and no job is open. Take the id from the order in your pane.';
    return `There is no job with this id. Open jobs: ${open.join(', ')}. Take the id from the order in your pane.`;
  }
}

function startedAnswer(job: LiveJob): Partial<ClaimReply> {
  const { workdir, job_id: id } = job.record;
  return {
    ...firstTaskPage(job),
    workdir,
    next: `Work in ${workdir}. Report with job_id "${id}": progress now and then; question when you need an answer; permission_required when you wait for one; completed with a one-line summary in detail when done; error with the reason when you cannot. Report even if you fail.`,
  };
}

function stopText(record: JobRecord): string {
  return `Stop: ${endText(record)} Do not work on it.`;
}

function endText(record: JobRecord): string {
  const reason = record.reason === undefined ? '' : ` (${record.reason})`;
  return `this job is ${record.status}${reason} since ${record.final_at ?? 'before'}.`.replace(/^t/, 'T');
}

function amendedText(record: JobRecord): string {
  return `${endText(record).replace(' is ', ' was ')} Your late report amends that end.`;
}

function refusal(eventId: string, text: string): ClaimReply {
  return { event_id: eventId, accepted: false, recorded: false, refusal: text };
}

/** A field that does not fit, with the limit and what to do instead. */
function badField(issue: { path: PropertyKey[]; message: string } | undefined): string {
  const [field, place] = issue?.path ?? [];
  if (issue?.message.startsWith('Too big') && field === 'detail')
    return 'The detail is longer than 2,000 characters: shorten it, and put the whole into result or into a file.';
  if (issue?.message.startsWith('Too big') && field === 'files')
    return place === undefined
      ? 'There are more than 100 files: name the folder that they are in.'
      : 'A name in files is longer than 1,000 characters: name the folder that it is in.';
  return `The event's ${issue?.path.join('.') || 'fields'}: ${issue?.message}.`;
}

function eventIdOf(raw: Record<string, unknown>): string {
  return typeof raw['event_id'] === 'string' ? raw['event_id'].slice(0, 200) : '';
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
