import type { HookReport } from '../job/hook.ts';
import type { HookResult } from '../job/request.ts';
import { isFinal } from '../job/words.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { openEvidence } from './open-permission.ts';
import type { Registrar } from './registrar.ts';
import { Relays } from './relays.ts';

/** What is known of an open permission request beside its record. */
export interface Known {
  /** The key of the dialog that asks for it, once it was seen. */
  dialog?: string | undefined;
  callId?: string | undefined;
  /** What its hook told, which did not wait. */
  hint?: HookReport | undefined;
  /** A hook of the agent that waits for the decision. */
  hook?: { pid: number | undefined; answer: (result: HookResult) => void } | undefined;
  /** Somebody is deciding on it. */
  isDeciding?: boolean;
  /** The decision is being carried out: what the agent shows and tells meanwhile is its effect. */
  takingEffect?: Promise<unknown> | undefined;
}

/** What the hub knows of open permission requests, and how each of them is settled. */
export class KnownPermissions {
  readonly relays = new Relays();
  private readonly registrar: Registrar;
  /** By request id. */
  private readonly known = new Map<string, Known>();

  constructor(registrar: Registrar) {
    this.registrar = registrar;
  }

  /** Nothing for a request that only an earlier hub has heard of. */
  get(requestId: string): Known | undefined {
    return this.known.get(requestId);
  }

  add(requestId: string, more: Known): void {
    this.known.set(requestId, { ...this.known.get(requestId), ...more });
  }

  /** Settles an open request, and lets go of the way back over the agent's channel. @param why the evidence */
  settle(job: LiveJob, requestId: string, why: string, decision?: string): Promise<void> {
    const open = openEvidence(job.record);
    const request = open.find((one) => one.request_id === requestId);
    if (request !== undefined) this.relays.forget(job.id, request, open.length === 1);
    return this.resolve(job, requestId, why, decision);
  }

  /**
   * Records how an open request was settled; does nothing for one that is settled already.
   * @param decision what was decided here, or how it was settled elsewhere
   */
  async resolve(
    job: LiveJob,
    requestId: string,
    why: string,
    decision = 'settled in the pane',
  ): Promise<void> {
    const request = job.record.requests.find((one) => one.request_id === requestId);
    if (request === undefined || request.resolved_at !== undefined || isFinal(job.record.status)) return;
    await this.registrar.note(job, 'permission_resolved', {
      data: { request_id: requestId, evidence: why, decision },
    });
  }

  /** Lets go of what was settled; its hooks go on without a decision. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (isFinal(after.status)) this.relays.drop(job.id);
    for (const { request_id: id, resolved_at } of after.requests) {
      if (resolved_at === undefined && !isFinal(after.status)) continue;
      this.known.get(id)?.hook?.answer({});
      this.known.delete(id);
    }
  }
}
