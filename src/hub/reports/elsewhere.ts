import { z } from 'zod';
import { MamError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import type { HubBus } from '../../bus/hub-bus.ts';
import { claimTopic, hubReplyTopic } from '../../bus/topics.ts';
import { type Claim, refused } from '../../job/claim.ts';
import type { ClaimReply } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import { isFinal, REPORT_TYPES, STATUSES } from '../../job/words.ts';

/** How long the hub that has the job may take to answer, in ms. */
const REPLY_TIMEOUT_MS = 300;
/** The same when nobody waits for the answer. */
const LATE_REPLY_TIMEOUT_MS = 1_000;

/** What is trusted in an answer over a broker, where anyone may have sent it: no text that an agent would act on. */
export const answerSchema = z.object({
  event_id: z.string(),
  accepted: z.boolean(),
  recorded: z.boolean(),
  seq: z.number().int().optional(),
  status: z.enum(STATUSES).optional(),
  unknown: z.boolean().optional(),
  retry: z.boolean().optional(),
});
type Answer = z.infer<typeof answerSchema>;

/** Passes reports on jobs that this hub does not have on to the other hubs on an external broker. */
export class Elsewhere {
  readonly #with;
  readonly #waiting = new Map<string, (answer: Answer) => void>();

  constructor(parts: {
    /** The external broker, while it is joined. */
    bus: () => HubBus | undefined;
    realm: string;
    host: string;
  }) {
    this.#with = parts;
  }

  /**
   * Sends a report over the broker as a peer's: what this machine knows about panes and people proves nothing there.
   * @param patient nobody waits for the answer, and without one the report stays in the outbox
   * @returns its hub's answer; undefined when no hub on the broker has the job
   * @throws MamError `io` when it must be sent again later
   */
  async pass(claim: Claim, patient: boolean): Promise<ClaimReply | undefined> {
    if (!(REPORT_TYPES as readonly string[]).includes(claim.type) || claim.source === 'hook')
      return undefined;
    const bus = this.#with.bus();
    if (bus === undefined || bus.clients === 0) throw this.#later('the broker is not joined now');
    const { origin: _, result_spool: __, unheard: ___, ...report } = claim;
    const { realm, host } = this.#with;
    const reply_to = hubReplyTopic(realm, host);
    const payload = JSON.stringify({ ...report, source: 'peer', reply_to });
    if (Buffer.byteLength(payload) > LIMITS.payloadBytes) {
      const why = 'The job is on another machine, and its result is too long for the broker.';
      return refused(claim.event_id, `${why} Write it to a file and name the file in files.`);
    }
    const answer = await new Promise<Answer | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), patient ? LATE_REPLY_TIMEOUT_MS : REPLY_TIMEOUT_MS);
      this.#waiting.set(claim.event_id, (answer) => {
        // An earlier version answers for any job; the hub that has it may just be slower.
        if (answer.unknown === true) return;
        clearTimeout(timer);
        resolve(answer);
      });
      bus.publish(claimTopic(realm, claim.job_id), payload);
    });
    this.#waiting.delete(claim.event_id);
    if (answer?.retry === true) throw this.#later('its hub could not write it');
    if (answer !== undefined) return replyOf(answer, claim.type);
    if (patient) throw this.#later('no hub on the broker has taken it');
    return undefined;
  }

  /** Takes another hub's answer; one that nobody waits for is dropped. */
  takeReply(payload: Buffer): void {
    const { data: answer } = answerSchema.safeParse(parseJson(payload.toString()));
    if (answer !== undefined) this.#waiting.get(answer.event_id)?.(answer);
  }

  #later(why: string): MamError {
    return new MamError('io', `This hub does not have the job, and ${why}.`, 'It is sent again later.');
  }
}

/** The answer for the peer, in our own words. */
export function replyOf({ event_id, accepted, recorded, seq, status }: Answer, type: string): ClaimReply {
  const base = { event_id, accepted, recorded, seq, status };
  const next = 'The job is on another machine: take its task from the order that you were given.';
  if (accepted) return { ...base, ...(type === 'started' && { next }) };
  if (status !== undefined && isFinal(status)) {
    const stop = type === 'started' || type === 'progress' ? 'Stop: this' : 'This';
    return { ...base, refusal: `${stop} job is ${status} on its own machine. Do not work on it.` };
  }
  return { ...base, refusal: 'The hub of this job, on another machine, has refused the report.' };
}

/** The part of an answer that may go over a broker, where nobody has proved that they may read the task or the messages. */
export function publicAnswer(reply: ClaimReply): ClaimReply {
  const { event_id, accepted, recorded, seq, status, refusal, amended, retry } = reply;
  return { event_id, accepted, recorded, seq, status, refusal, amended, retry };
}
