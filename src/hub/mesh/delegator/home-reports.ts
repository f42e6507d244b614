import { sha256 } from '../../../base/sha256.ts';
import type { Claim } from '../../../job/claim.ts';
import { MAX_PAYLOAD_BYTES } from '../wire/messages.ts';
import type { Asks } from './asks.ts';
import { isUnknownThere } from './home-error.ts';
import { NoAnswer } from './no-answer.ts';
import { putText } from './pieces.ts';

/** After every event that a job can have: of the answer, only whether the job is there matters. */
const NO_EVENTS = Number.MAX_SAFE_INTEGER;

/** Passes reports made here about a job of another host on to that host. */
export class HomeReports {
  readonly #with;

  constructor(parts: {
    asks: Pick<Asks, 'ask' | 'report'>;
    /** True while the host has not said whether it takes the job. */
    isAsking: (jobId: string) => boolean;
  }) {
    this.#with = parts;
  }

  /**
   * Passes one on, a result that no message can carry in pieces before it.
   * @param ms how long to wait for the answer
   * @returns the home's answer, or that it does not have the job, as it says when it is asked
   * @throws MamError as `Asks.report`
   */
  async report(host: string, claim: Claim, ms: number): Promise<object> {
    const { asks, isAsking } = this.#with;
    const sent = await this.#fitting(host, claim);
    try {
      return await asks.report(host, sent, ms);
    } catch (error) {
      // A home does not answer reports on a job that it does not have.
      const { event_id, job_id } = claim;
      if (!(error instanceof NoAnswer) || isAsking(job_id) || !(await this.#isUnknown(host, job_id)))
        throw error;
      return { event_id, accepted: false, recorded: false, unknown: true };
    }
  }

  async #fitting(host: string, claim: Claim): Promise<Claim> {
    const { result, ...rest } = claim;
    const fits = Buffer.byteLength(JSON.stringify(claim)) <= MAX_PAYLOAD_BYTES;
    if (fits || result === undefined) return claim;
    // A report that is sent again hands over the same text under the same name.
    const upload = sha256(`result of ${claim.event_id}`);
    await putText(this.#with.asks, host, upload, result);
    return { ...rest, result_upload: upload };
  }

  async #isUnknown(host: string, job_id: string): Promise<boolean> {
    try {
      await this.#with.asks.ask(host, 'events', { job_id, after: NO_EVENTS });
      return false;
    } catch (error) {
      return isUnknownThere(error);
    }
  }
}
