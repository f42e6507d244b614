import { MamError } from '../../base/errors.ts';
import { type Claim, refused } from '../../job/claim.ts';
import type { ClaimReply } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import { REPORT_TYPES } from '../../job/words.ts';
import { answerSchema, replyOf } from './elsewhere.ts';

/** How long the home may take to answer a publisher that waits, in ms: then the publisher keeps the report. */
const ANSWER_MS = 5_000;
/** The same for a report from the outbox, for which nobody waits. */
const PATIENT_MS = 15_000;

/** Passes reports on jobs of another host on to that host, whose hub alone records them. */
export class HomeClaims {
  readonly #report: (host: string, claim: Claim, ms: number) => Promise<unknown>;

  /** @param report sends a report to a host. @returns its answer @throws MamError if there is none */
  constructor(report: (host: string, claim: Claim, ms: number) => Promise<unknown>) {
    this.#report = report;
  }

  /**
   * Sends a report as a peer's: what this machine knows about panes and people proves nothing there.
   * @param patient nobody waits for the answer
   * @returns the home's answer, for the publisher
   * @throws MamError `unavailable` or `io` when it must be sent again later
   */
  async pass(host: string, claim: Claim, patient: boolean): Promise<ClaimReply> {
    const { origin: _, result_spool: __, unheard: ___, reply_to: ____, ...report } = claim;
    const { event_id, type, source } = report;
    if (source === 'hook' || !(REPORT_TYPES as readonly string[]).includes(type))
      return refused(event_id, `The job is on ${host}, which takes only the reports of a peer from here.`);
    const sent: Claim = { ...report, source: 'peer' };
    if (Buffer.byteLength(claim.result ?? '') > LIMITS.resultBytes) {
      const why = `The job is on ${host}, and the result is longer than 1 MiB.`;
      return refused(event_id, `${why} Hand it over as a file: shorten it, and name the file in files.`);
    }
    const answer = await this.#report(host, sent, patient ? PATIENT_MS : ANSWER_MS);
    const { data } = answerSchema.safeParse(answer);
    if (data === undefined || data.retry === true)
      throw new MamError('io', `${host} could not record the report.`, 'It is sent again later.');
    if (data.unknown === true)
      return refused(event_id, `${host} does not have this job any more: the report changes nothing.`);
    return replyOf(data, type);
  }
}
