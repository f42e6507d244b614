import { MamError } from '../../../base/errors.ts';
import { isObject, parseJson } from '../../../base/json.ts';
import type { Log } from '../../../base/log.ts';
import { orElse } from '../../../base/or-else.ts';
import type { Claims } from '../../reports/claims.ts';
import { type AskAnswer, MESH_VERSION } from '../wire/messages.ts';
import type { MeshMessage } from '../wire/wire.ts';
import type { Policy } from './policy.ts';
import type { Uploads } from './uploads.ts';

/**
 * Takes reports that others send into this hub's inbox, about its own jobs: from hubs that have a copy of the job, and from
 * programs without a hub. Each is answered by its `event_id` where it came from; one about a job that is not here is not.
 * @returns a function that rejects with MamError `unavailable` or `io` for a report that can't be taken now
 */
export function takeClaims(parts: {
  claims: Pick<Claims, 'takeFrom' | 'has'>;
  policy: Pick<Policy, 'mayReport'>;
  /** Texts that came before, in pieces. */
  uploads: Pick<Uploads, 'get' | 'drop'>;
  /** Whether the broker checks who sends; undefined while that is not known. */
  areSendersProven: () => boolean | undefined;
  log: Log;
}): (message: MeshMessage) => Promise<void> {
  const { claims, policy, areSendersProven, uploads, log } = parts;
  /** A report with the result that was sent before it; undefined if that is not here. */
  const withResult = async (
    from: string,
    jobId: string,
    { result_upload: upload, ...claim }: Record<string, unknown>,
  ): Promise<Record<string, unknown> | undefined> => {
    const { event_id } = claim;
    // What is recorded already is not looked at again.
    const isKnown = typeof event_id === 'string' && (await claims.has(jobId, event_id));
    if (typeof upload !== 'string' || isKnown) return claim;
    const result = orElse(() => uploads.get(from, upload), undefined);
    return result === undefined ? undefined : { ...claim, result };
  };
  return async ({ wire, from, to, jobId, payload }) => {
    const isProven = wire.kind !== 'broker' || areSendersProven();
    if (isProven === undefined) throw new MamError('unavailable', 'The broker is still being tested.');
    if (!isProven) return log.warn(`a report of ${from} was dropped: the broker does not check who sends`);
    const raw = parseJson(payload.toString());
    if (jobId === undefined || !isObject(raw)) return log.warn(`a report of ${from} can't be read`);
    const claim = await withResult(from, jobId, raw);
    // Nothing brings it here later: a report that waited for it would hold up all others.
    if (claim === undefined) return log.warn(`a report of ${from} was dropped: its result is not here`);
    const reply = await claims.takeFrom(jobId, claim, (job) => policy.mayReport(wire, from, job.record));
    if (reply === undefined) return;
    const { result_upload: upload } = raw;
    if (typeof upload === 'string' && reply.retry !== true) uploads.drop(from, upload);
    const result = { ...reply };
    const answer: AskAnswer = { v: MESH_VERSION, id: reply.event_id, result, now: new Date().toISOString() };
    wire.send(from, 'answer', answer, { as: to });
    if (reply.retry === true) throw new MamError('io', reply.refusal ?? 'It could not be recorded.');
  };
}
