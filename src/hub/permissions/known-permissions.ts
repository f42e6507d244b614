import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { HookResult } from '../../operations/request.ts';
import type { ShownDialog } from '../dialogs/shown-dialog.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';

/** What is known of an open permission request beside its record. */
export interface Known {
  /** The dialog that asks for it, once it was seen. */
  dialog?: ShownDialog | undefined;
  callId?: string | undefined;
  /** What its hook told. */
  told?: HookReport | undefined;
  /** A hook of the agent that waits for the decision. */
  hook?: { pid: number | undefined; answer: (result: HookResult) => void } | undefined;
  /** Somebody is deciding on it. */
  isDeciding?: boolean;
  /** The decision is being carried out: what the agent shows meanwhile is its effect. */
  takingEffect?: Promise<unknown> | undefined;
  /** The agent has been given it: what it tells from now on is its effect as well. */
  isGiven?: boolean;
  /** What hooks have told of it since then. */
  heard?: readonly HookReport[] | undefined;
  /** It is settled, and that is on its way to the disk. */
  settling?: Promise<void> | undefined;
}

/** What the hub knows of open permission requests, and how each of them is settled. */
export class KnownPermissions {
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

  /** @returns false when the request is open no more: then there is nothing to know of it */
  add(job: LiveJob, requestId: string, more: Known): boolean {
    if (!isOpenIn(job, requestId)) return false;
    this.known.set(requestId, { ...this.known.get(requestId), ...more });
    return true;
  }

  /** A decision was carried out, or could not be: the request stands as before it. */
  decided(requestId: string): void {
    const {
      isDeciding: _,
      takingEffect: __,
      isGiven: ___,
      heard: ____,
      ...rest
    } = this.known.get(requestId) ?? {};
    if (Object.values(rest).some((fact) => fact !== undefined)) this.known.set(requestId, rest);
    else this.known.delete(requestId);
  }

  /**
   * Records how an open request was settled; does nothing for one that is settled already.
   * @param why the evidence
   * @param decision what was decided here, or how it was settled elsewhere
   */
  settle(job: LiveJob, requestId: string, why: string, decision = 'settled in the pane'): Promise<void> {
    const first = this.known.get(requestId)?.settling;
    if (first !== undefined) return first;
    const settling = this.note(job, requestId, why, decision);
    this.add(job, requestId, { settling });
    return settling;
  }

  /** Lets go of what was settled, or is in the record no more; its hooks go on without a decision. */
  onRecorded({ before, after }: Recorded): void {
    const open = isFinal(after.status) ? [] : after.requests.filter(isOpen);
    for (const { request_id: id } of before?.requests ?? []) {
      if (open.some((one) => one.request_id === id)) continue;
      this.known.get(id)?.hook?.answer({});
      this.known.delete(id);
    }
  }

  private async note(job: LiveJob, requestId: string, why: string, decision: string): Promise<void> {
    if (!isOpenIn(job, requestId)) return;
    await this.registrar.note(job, 'permission_resolved', {
      data: { request_id: requestId, evidence: why, decision },
    });
    // It could not be written: whoever hears of it next tries again.
    this.add(job, requestId, { settling: undefined });
  }
}

function isOpenIn({ record }: LiveJob, requestId: string): boolean {
  return (
    !isFinal(record.status) && record.requests.some((one) => one.request_id === requestId && isOpen(one))
  );
}

function isOpen({ resolved_at }: PeerRequest): boolean {
  return resolved_at === undefined;
}
