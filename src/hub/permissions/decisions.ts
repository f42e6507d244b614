import { setTimeout as sleep } from 'node:timers/promises';
import { MamError } from '../../base/errors.ts';
import { draftEvent } from '../../job/event.ts';
import { isEvidence, isOpen } from '../../job/open-requests.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { AgentPane } from '../panes/agent-pane.ts';
import { EFFECT_POLL_MS, EFFECT_TIMEOUT_MS, watchEffect } from './decision-effect.ts';
import { conflict, inFewWords, meantPermission } from './open-permission.ts';
import type { Permissions } from './permissions.ts';
import { pressDecision } from './press-decision.ts';

type Verdict = 'allow' | 'deny';

interface Decision {
  job: LiveJob;
  id: string;
  verdict: Verdict;
  by: 'supervisor' | 'person';
  /** The id of the first event about it. */
  eventId: string;
}

const NOT_GIVEN = { evidence: 'nothing was given to the agent' };

interface Parts {
  registrar: Registrar;
  permissions: Permissions;
  paneOf: (record: JobRecord) => AgentPane | undefined;
}

/** Carries out decisions on permission requests, by the agent's hook or by a key. */
export class Decisions {
  readonly #with: Parts;
  /** By request id: the decisions that are being carried out. */
  readonly #carried = new Map<string, Promise<string>>();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /**
   * Carries a decision out, on exactly the request that is open. The journal says how far it got: `deciding` before
   * anything is done, `answered` when it was given to the agent, `permission_resolved` when its effect was seen,
   * `decision_refused` when it was not given.
   * @param wanted the request that is meant, if known
   * @returns how, as a sentence
   * @throws MamError `conflict` when that request is no longer open or is being decided, `not_found` for an unknown
   *   request, `refused` when it can't be decided from here
   */
  async decide(
    { job, verdict, by, eventId }: Omit<Decision, 'id'>,
    wanted?: string | undefined,
  ): Promise<string> {
    await this.#with.permissions.written(job);
    let id = wanted;
    try {
      const request = meantPermission(job.record, wanted);
      id = request.request_id;
      return await this.#decideOn(request, { job, id, verdict, by, eventId });
    } catch (error) {
      const known = job.record.requests.find((one) => one.request_id === id);
      if (error instanceof MamError && known !== undefined)
        await this.#with.registrar.note(job, 'decision_refused', {
          detail: `The ${by}'s decision was refused: ${error.message}`,
          // A decision that was given before this one still counts.
          data: { request_id: known.request_id, decision: verdict, ...(!job.has(eventId) && NOT_GIVEN) },
        });
      throw error;
    }
  }

  /** @returns a promise that settles when the decisions given to the agent have taken effect; undefined without any */
  effect(job: LiveJob): Promise<unknown> | undefined {
    const given = this.#with.permissions.given(job);
    return given.length === 0 ? undefined : Promise.allSettled(given.map((id) => this.#carried.get(id)));
  }

  /** Resolves once a request is settled, or when the agent has had enough time for what it was given. */
  async over(job: LiveJob, id: string | undefined): Promise<PeerRequest | undefined> {
    for (const end = performance.now() + EFFECT_TIMEOUT_MS; ; await sleep(EFFECT_POLL_MS)) {
      const request = job.record.requests.find((one) => one.request_id === id);
      if (request === undefined || !isOpen(request) || performance.now() >= end) return request;
      await this.#with.permissions.lookAtPane(job);
    }
  }

  async #decideOn(meant: PeerRequest, decision: Decision): Promise<string> {
    const { permissions } = this.#with;
    const { job, id } = decision;
    // A person may just have settled it in the pane, and another dialog may be there now.
    if (isEvidence(meant)) await permissions.lookAtPane(job);
    const request = stillOpen(job, id);
    if (permissions.of(job, id)?.stage !== 'open')
      throw conflict('Someone else is deciding on this request now.', 'Look at job_status.');
    permissions.signal(job, { type: 'decide', id });
    try {
      if (!isEvidence(request)) return await this.#tellPeer(request, decision);
      const carried = this.#carryOut(request, decision);
      this.#carried.set(id, carried);
      return await carried;
    } finally {
      this.#carried.delete(id);
      permissions.signal(job, { type: 'release', id });
    }
  }

  /** The peer asked in a report, so it gets the decision as a message. */
  async #tellPeer(request: PeerRequest, { job, id, verdict, by, eventId }: Decision): Promise<string> {
    const data = { request_id: id, decision: verdict };
    const draft = draftEvent(job.id, 'answered', { event_id: eventId, source: by, data });
    const { before } = await this.#with.registrar.record(job, draft);
    // Another event may have been recorded first.
    stillOpen(job, id, before);
    const what = `The decision (${verdict}: ${inFewWords(request)})`;
    return job.record.agent === 'human'
      ? `${what} is in the job's record (\`mam status ${job.id}\`).`
      : `${what} goes to the peer with its next report, or is typed when it is idle.`;
  }

  async #carryOut(request: PeerRequest, decision: Decision): Promise<string> {
    const { permissions, paneOf } = this.#with;
    const { job, id, verdict, by } = decision;
    const reason = `Decided by the ${by} of job ${job.id} (request ${id}).`;
    if (permissions.hookOf(job, id) !== undefined) {
      await this.#begin(decision, "by the agent's hook");
      stillOpen(job, id);
      const answer = permissions.hookOf(job, id);
      if (answer === undefined || !this.#give(decision))
        throw conflict('The agent has just ended the hook that was waiting.', 'Look at job_status.');
      answer({ decision: verdict, reason });
      const how = `${verdict} was given to the agent's hook`;
      return this.#after(request, decision, { way: 'hook', reason, before: '', how });
    }
    const known = permissions.of(job, id) ?? {};
    const mayPress = async (keys: string) => {
      await this.#begin(decision, `by the key ${keys}`);
      return this.#give(decision);
    };
    const { record } = job;
    const pressed = await pressDecision(paneOf(record), record, request, known, verdict, mayPress);
    if (pressed.kind === 'refused') throw new MamError('refused', pressed.why, pressed.hint);
    if (pressed.kind === 'gone') {
      permissions.signal(job, { type: 'settle', id, evidence: 'its dialog is gone' });
      await permissions.written(job);
      if (job.isFinal) stillOpen(job, id);
      throw conflict(pressed.why, 'It was settled in the pane. Look at job_status.');
    }
    const how = `${pressed.keys} was pressed (${verdict})`;
    return this.#after(request, decision, { way: 'key', reason, before: pressed.screen, how });
  }

  /** The agent has the decision: what it does next shows whether the decision counts. */
  async #after(
    request: PeerRequest,
    { job, id, verdict, by }: Decision,
    { how, ...given }: { way: 'hook' | 'key'; reason: string; before: string; how: string },
  ): Promise<string> {
    const { registrar, permissions, paneOf } = this.#with;
    const data = { request_id: id, decision: verdict, evidence: how };
    // This has happened: if the journal can't be written now, it is recorded later.
    await registrar.note(job, 'answered', { source: by, data });
    const known = () => permissions.of(job, id);
    const all = { ...given, decision: verdict };
    const effect = await watchEffect(paneOf(job.record), job, request, known, all);
    if (effect.kind === 'none') {
      const hint = `A person must look into the pane: mam attach ${job.id}`;
      throw new MamError('refused', `${how}, but the dialog is still on the screen.`, hint);
    }
    const evidence = `${how} and ${effect.evidence}`;
    const isProven = effect.kind === 'counts';
    const settled = isProven ? verdict : `settled after ${verdict} was given`;
    permissions.signal(job, { type: 'settle', id, evidence, decision: settled });
    await permissions.written(job);
    const what = inFewWords(request);
    if (!isProven)
      return `${evidence}: a person may have answered in the pane at the same time, so it is not proven that the decision counted (${what}). Look at job_logs.`;
    return given.way === 'hook'
      ? `The agent's hook has taken the decision: ${verdict} (${what}); ${effect.evidence}.`
      : `${evidence} (${what})`;
  }

  /** Marks the decision as given. @returns false when the request is settled by now, or its job has ended */
  #give({ job, id }: Decision): boolean {
    const { permissions } = this.#with;
    if (job.isFinal) return false;
    permissions.signal(job, { type: 'give', id });
    return permissions.of(job, id)?.stage === 'given';
  }

  /** Records the decision before anything is done, so that none is carried out that can't be recorded. */
  async #begin({ job, id, verdict, by, eventId }: Decision, how: string): Promise<void> {
    const data = { request_id: id, decision: verdict, evidence: `the ${by}'s decision, ${how}` };
    await this.#with.registrar.record(job, draftEvent(job.id, 'deciding', { event_id: eventId, data }));
    // The request may have been settled in the pane meanwhile, and that may still be being written.
    await this.#with.permissions.written(job);
  }
}

/** @throws MamError `conflict` when the request is settled by now, or its job has ended */
function stillOpen(job: LiveJob, id: string, record = job.record): PeerRequest {
  if (!job.isFinal) return meantPermission(record, id);
  throw conflict(`Job ${job.id} has ended meanwhile: nothing was decided.`, 'Look at job_status.');
}
