import { MamError } from '../errors.ts';
import { newEventId } from '../job/id.ts';
import type { PeerRequest } from '../job/record.ts';
import { startOf } from '../processes.ts';
import type { Known, KnownPermissions } from './known-permissions.ts';
import type { LiveJob } from './live-job.ts';
import { inFewWords, meantPermission, openEvidence } from './open-permission.ts';
import type { Permissions } from './permissions.ts';
import { dialogLeaves, type Pressed, pressDecision } from './press-decision.ts';
import type { Registrar } from './registrar.ts';
import type { TmuxServers } from './tmux-servers.ts';

type Verdict = 'allow' | 'deny';

/** Carries out what was decided about permission requests: by the agent's hook, over its channel, by a key. */
export class Decisions {
  private readonly registrar: Registrar;
  private readonly servers: TmuxServers;
  private readonly permissions: Permissions;
  private readonly known: KnownPermissions;

  constructor(options: {
    registrar: Registrar;
    servers: TmuxServers;
    permissions: Permissions;
    known: KnownPermissions;
  }) {
    this.registrar = options.registrar;
    this.servers = options.servers;
    this.permissions = options.permissions;
    this.known = options.known;
  }

  /**
   * Carries a decision out, on exactly the request that is open.
   * @param wanted the request that is meant, where it is known
   * @returns how, as a sentence
   * @throws MamError `conflict` when that request is open no more or being decided, `not_found` for an unknown request,
   *   `refused` when it can't be decided from here
   */
  async decide(
    job: LiveJob,
    verdict: Verdict,
    by: 'supervisor' | 'person',
    wanted: string | undefined,
  ): Promise<string> {
    await this.permissions.opened(job);
    const request = await this.upToDate(job, this.meant(job, wanted));
    const { request_id: id } = request;
    if (this.known.get(id)?.isDeciding === true) {
      throw new MamError('conflict', 'Somebody else is deciding on this request now.', 'Look at job_status.');
    }
    this.known.add(job, id, { isDeciding: true });
    try {
      const { before } = await this.registrar.record(job, {
        event_id: newEventId(),
        job_id: job.id,
        type: 'answered',
        source: by,
        at: new Date().toISOString(),
        data: { request_id: id, decision: verdict },
      });
      // Another event may have been written down first.
      this.stillOpen(job, id, before);
      if (request.source === 'peer' || request.source === 'person')
        return `The decision (${verdict}: ${inFewWords(request)}) goes to the peer with its next report, or is typed when it is idle.`;
      // It may have been settled in the pane meanwhile, which can still be on its way to the disk.
      while (this.known.get(id)?.settling !== undefined) await this.known.get(id)?.settling;
      this.stillOpen(job, id);
      const takingEffect = this.carryOut(job, request, verdict, by);
      this.known.add(job, id, { takingEffect });
      return await takingEffect;
    } finally {
      this.known.decided(id);
    }
  }

  /** @returns settled when the decisions on requests of this job that are taking effect have; nothing when there are none */
  effect(job: LiveJob): Promise<unknown> | undefined {
    const all = openEvidence(job.record).flatMap(({ request_id: id }) => {
      const known = this.known.get(id);
      return known?.isGiven === true ? (known.takingEffect ?? []) : [];
    });
    return all.length === 0 ? undefined : Promise.allSettled(all);
  }

  private meant(job: LiveJob, wanted: string | undefined, record = job.record): PeerRequest {
    return meantPermission(record, wanted, ({ request_id: id }) => this.known.get(id)?.dialog !== undefined);
  }

  /** @throws MamError `conflict` when it is settled by now, or its job has ended */
  private stillOpen(job: LiveJob, id: string, record = job.record): PeerRequest {
    if (!job.isFinal) return this.meant(job, id, record);
    throw new MamError(
      'conflict',
      `Job ${job.id} has ended meanwhile: nothing was decided.`,
      'Look at job_status.',
    );
  }

  /** A person may have settled it in the pane a moment ago, and another dialog may stand there now. */
  private async upToDate(job: LiveJob, request: PeerRequest): Promise<PeerRequest> {
    if (request.source === 'peer' || request.source === 'person') return request;
    await this.permissions.look(job);
    return this.stillOpen(job, request.request_id);
  }

  private waitingHook({ request_id: id }: PeerRequest): Known['hook'] {
    const hook = this.known.get(id)?.hook;
    return hook?.pid !== undefined && startOf(hook.pid) !== undefined ? hook : undefined;
  }

  private async carryOut(
    job: LiveJob,
    request: PeerRequest,
    decision: Verdict,
    by: 'supervisor' | 'person',
  ): Promise<string> {
    const { request_id: id } = request;
    const what = inFewWords(request);
    const hook = this.waitingHook(request);
    if (hook !== undefined) {
      this.known.add(job, id, { isGiven: true });
      hook.answer({ decision, reason: `Decided by the ${by} of job ${job.id}.` });
      await this.known.settle(job, id, `${decision}, by the agent's hook`, decision);
      return `The agent's hook has taken the decision: ${decision} (${what}).`;
    }
    if (this.known.relays.decide(job.id, request, openEvidence(job.record).length === 1, { decision })) {
      this.known.add(job, id, { isGiven: true });
      return `${await this.afterRelay(job, request, decision)} (${what}).`;
    }
    const pressed = await pressDecision(
      this.servers,
      job.record,
      request,
      this.known.get(id) ?? {},
      decision,
      () => this.mayPress(job, id),
    );
    return `${await this.afterPress(job, id, decision, pressed)} (${what})`;
  }

  /** A decision that went back over the agent's channel has no other answer than that the dialog goes away. */
  private async afterRelay(job: LiveJob, request: PeerRequest, decision: Verdict): Promise<string> {
    const { request_id: id } = request;
    const left = await dialogLeaves(this.servers, job.record, request, this.known.get(id) ?? {});
    // A further dialog that asks for the same was relayed on its own: the first one has gone.
    if (!left && !this.known.relays.has(job.id, request)) {
      throw new MamError(
        'refused',
        "The decision went back over the agent's channel, but the dialog is still on the screen.",
        'Answer once more: then its key is pressed. Or answer in the pane.',
      );
    }
    await this.known.resolve(job, id, `${decision}, over the agent's channel`, decision);
    return `The agent has taken the decision over its channel: ${decision}`;
  }

  /** @returns false when the request is settled by now, or its job has ended; else the decision counts as given */
  private mayPress(job: LiveJob, id: string): boolean {
    const isOpen = !job.isFinal && this.known.get(id)?.settling === undefined;
    return isOpen && this.known.add(job, id, { isGiven: true });
  }

  private async afterPress(job: LiveJob, id: string, decision: Verdict, pressed: Pressed): Promise<string> {
    if (pressed.kind === 'refused') throw new MamError('refused', pressed.why, pressed.hint);
    if (pressed.kind === 'gone') {
      await this.known.settle(job, id, 'its dialog is gone');
      if (job.isFinal) this.stillOpen(job, id);
      throw new MamError('conflict', pressed.why, 'It was settled in the pane. Look at job_status.');
    }
    await this.known.settle(job, id, pressed.evidence, decision);
    return `${pressed.evidence}.`;
  }
}
