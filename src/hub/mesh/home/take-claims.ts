import { isObject, parseJson } from '../../../base/json.ts';
import type { Log } from '../../../base/log.ts';
import type { ClaimReply } from '../../../job/event.ts';
import { type AskAnswer, MESH_VERSION } from '../wire/messages.ts';
import type { MeshMessage } from '../wire/wire.ts';

/**
 * Takes reports that others send into this hub's inbox, about its own jobs: from hubs that have a copy of the job, and from
 * programs without a hub. Each is answered by its `event_id` where it came from; one about a job that is not here is not.
 */
export function takeClaims(parts: {
  claims: { takeFrom(jobId: string, raw: Record<string, unknown>): Promise<ClaimReply | undefined> };
  /** Whether the broker checks who sends; undefined while that is not known. */
  areSendersProven: () => boolean | undefined;
  log: Log;
}): (message: MeshMessage) => void {
  const { claims, areSendersProven, log } = parts;
  const take = async ({ wire, from, to, jobId, payload }: MeshMessage): Promise<void> => {
    // Whoever sent it sends it again until it is answered.
    if (wire.kind === 'broker' && areSendersProven() !== true) return;
    const raw = parseJson(payload.toString());
    if (jobId === undefined || !isObject(raw)) return log.warn(`a report of ${from} can't be read`);
    const reply = await claims.takeFrom(jobId, raw);
    if (reply === undefined) return;
    const result = { ...reply };
    const answer: AskAnswer = { v: MESH_VERSION, id: reply.event_id, result, now: new Date().toISOString() };
    wire.send(from, 'answer', answer, { as: to });
  };
  return (message) => void take(message).catch((error) => log.error('a report was not taken', error));
}
