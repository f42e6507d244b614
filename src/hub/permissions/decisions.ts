import { MamError } from '../../base/errors.ts';
import { newEventId } from '../../base/ids.ts';
import { startOf } from '../../base/processes.ts';
import type { HookReport } from '../../job/hook.ts';
import { hubDraft } from '../../job/hub-draft.ts';
import type { PeerRequest } from '../../job/record.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { watchEffect } from './decision-effect.ts';
import type { Known, KnownPermissions } from './known-permissions.ts';
import { inFewWords, meantPermission, openEvidence } from './open-permission.ts';
import type { Permissions } from './permissions.ts';
import { pressDecision } from './press-decision.ts';

type Verdict = 'allow' | 'deny';
type By = 'supervisor' | 'person';

interface Decision {
  verdict: Verdict;
  by: By;
}

/** Carries out what was decided about permission requests: by the agent's hook or by a key. */
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
   * Carries a decision out, on exactly the request that is open. The journal tells how far it got: `deciding` before
   * anything is done, `answered` when the agent was given it, `permission_resolved` when that was seen to count or not,
   * `decision_refused` when it was not given.
   * @param wanted the request that is meant, where it is known
   * @returns how, as a sentence
   * @throws MamError `conflict` when that request is open no more or being decided, `not_found` for an unknown request,
   *   `refused` when it can't be decided from here
   */
  async decide(job: LiveJob, verdict: Verdict, by: By, wanted: string | undefined): Promise<string> {
    await this.permissions.opened(job);
    let id = wanted;
    try {
      const { request_id: meant } = this.meant(job, wanted);
      id = meant;
      return await this.decideOn(job, meant, { verdict, by });
    } catch (error) {
      if (error instanceof MamError && job.record.requests.some((one) => one.request_id === id))
        await this.refused(job, String(id), { verdict, by }, error.message);
      throw error;
    }
  }

  private async decideOn(job: LiveJob, id: string, { verdict, by }: Decision): Promise<string> {
    if (this.known.get(id)?.isDeciding === true) {
      throw new MamError('conflict', 'Somebody else is deciding on this request now.', 'Look at job_status.');
    }
    this.known.add(job, id, { isDeciding: true });
    try {
      const request = await this.upToDate(job, this.meant(job, id));
      if (request.source === 'peer' || request.source === 'person') {
        const { before } = await this.given(job, id, { verdict, by });
        // Another event may have been written down first.
        this.stillOpen(job, id, before);
        const what = `The decision (${verdict}: ${inFewWords(request)})`;
        return job.record.agent === 'human'
          ? `${what} stands in the job's record (\`mam status --job ${job.id}\`).`
          : `${what} goes to the peer with its next report, or is typed when it is idle.`;
      }
      const takingEffect = this.carryOut(job, request, { verdict, by });
      this.known.add(job, id, { takingEffect });
      return await takingEffect;
    } finally {
      this.known.decided(id);
    }
  }

  /** What a hook tells once a decision was given is its effect. */
  heard(job: LiveJob, report: HookReport, pid: number | undefined): void {
    for (const { request_id: id } of openEvidence(job.record)) {
      const known = this.known.get(id);
      if (known?.isGiven !== true || !isOf(known, report, pid)) continue;
      this.known.add(job, id, { heard: [...(known.heard ?? []), report] });
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
    return meantPermission(record, wanted);
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

  private async carryOut(job: LiveJob, request: PeerRequest, decision: Decision): Promise<string> {
    const { request_id: id } = request;
    const reason = `Decided by the ${decision.by} of job ${job.id} (request ${id}).`;
    if (this.waitingHook(request) !== undefined) {
      await this.begin(job, id, decision, "by the agent's hook");
      this.stillOpen(job, id);
      const hook = this.waitingHook(request);
      if (hook === undefined)
        throw new MamError(
          'conflict',
          'The agent has just ended the hook that waited.',
          'Look at job_status.',
        );
      this.known.add(job, id, { isGiven: true });
      hook.answer({ decision: decision.verdict, reason });
      return this.after(job, request, decision, { way: 'hook', reason, before: '' });
    }
    const pressed = await pressDecision(
      this.servers,
      job.record,
      request,
      this.known.get(id) ?? {},
      decision.verdict,
      async (keys) => {
        await this.begin(job, id, decision, `by the key ${keys}`);
        return this.mayPress(job, id);
      },
    );
    if (pressed.kind === 'refused') throw new MamError('refused', pressed.why, pressed.hint);
    if (pressed.kind === 'gone') {
      await this.known.settle(job, id, 'its dialog is gone');
      if (job.isFinal) this.stillOpen(job, id);
      throw new MamError('conflict', pressed.why, 'It was settled in the pane. Look at job_status.');
    }
    return this.after(job, request, decision, {
      way: 'key',
      reason,
      before: pressed.screen,
      keys: pressed.keys,
    });
  }

  /** The agent has the decision: what it does next tells whether it counts. */
  private async after(
    job: LiveJob,
    request: PeerRequest,
    decision: Decision,
    given: { way: 'hook' | 'key'; reason: string; before: string; keys?: string },
  ): Promise<string> {
    const { request_id: id } = request;
    const { verdict } = decision;
    const how =
      given.way === 'key'
        ? `${given.keys} was pressed (${verdict})`
        : `${verdict} was given to the agent's hook`;
    await this.given(job, id, decision, how);
    const known = () => this.known.get(id) ?? {};
    const effect = await watchEffect(this.servers, job, request, known, { ...given, decision: verdict });
    const what = inFewWords(request);
    if (effect.kind === 'none') {
      throw new MamError(
        'refused',
        `${how}, but the dialog is still on the screen.`,
        `A person has to look into the pane: mam attach ${job.id}`,
      );
    }
    const evidence = `${how} and ${effect.evidence}`;
    if (effect.kind === 'unproven') {
      await this.known.settle(job, id, evidence, `settled after ${verdict} was given`);
      return `${evidence}: a person may have answered in the pane at the same time, so it is not proven that the decision counted (${what}). Look at job_logs.`;
    }
    await this.known.settle(job, id, evidence, verdict);
    if (given.way === 'hook')
      return `The agent's hook has taken the decision: ${verdict} (${what}); ${effect.evidence}.`;
    return `${evidence} (${what})`;
  }

  /** @returns false when the request is settled by now, or its job has ended; else the decision counts as given */
  private mayPress(job: LiveJob, id: string): boolean {
    const isOpen = !job.isFinal && this.known.get(id)?.settling === undefined;
    return isOpen && this.known.add(job, id, { isGiven: true });
  }

  /** Written before anything is done, so that no decision is carried out that the journal can't hold. */
  private async begin(job: LiveJob, id: string, { verdict, by }: Decision, how: string): Promise<void> {
    const data = { request_id: id, decision: verdict, evidence: `the ${by}'s decision, ${how}` };
    await this.registrar.record(job, hubDraft(job.id, 'deciding', { data }));
    // It may have been settled in the pane meanwhile, which can still be on its way to the disk.
    while (this.known.get(id)?.settling !== undefined) await this.known.get(id)?.settling;
  }

  private given(job: LiveJob, id: string, { verdict, by }: Decision, evidence?: string): Promise<Recorded> {
    return this.registrar.record(job, {
      event_id: newEventId(),
      job_id: job.id,
      type: 'answered',
      source: by,
      at: new Date().toISOString(),
      data: { request_id: id, decision: verdict, ...(evidence !== undefined && { evidence }) },
    });
  }

  private async refused(job: LiveJob, id: string, { verdict, by }: Decision, why: string): Promise<void> {
    await this.registrar.note(job, 'decision_refused', {
      detail: `The ${by}'s decision was refused: ${why}`,
      data: { request_id: id, decision: verdict },
    });
  }
}

/** True for a report that tells what became of this request. */
function isOf({ callId, hook, told }: Known, report: HookReport, pid: number | undefined): boolean {
  const { type, call_id: id } = report;
  if (type === 'permission_settled')
    return id === undefined ? pid !== undefined && hook?.pid === pid : id === callId;
  if (type !== 'tool_used') return true;
  if (callId !== undefined) return id === callId;
  return told !== undefined && told.tool === report.tool && told.input === report.input;
}
