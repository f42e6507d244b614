import { MamError } from '../errors.ts';
import type { HookReport } from '../job/hook.ts';
import { newEventId } from '../job/id.ts';
import type { PeerRequest } from '../job/record.ts';
import type { HookResult } from '../job/request.ts';
import { isFinal } from '../job/words.ts';
import { startOf } from '../processes.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { inFewWords, meantPermission, openEvidence } from './open-permission.ts';
import { type Asked, asksTheSame, permissionDraft } from './permission-draft.ts';
import { PermissionHints } from './permission-hints.ts';
import { dialogLeaves, type Pressed, pressDecision } from './press-decision.ts';
import type { Registrar } from './registrar.ts';
import { Relays } from './relays.ts';
import { isAbout, type ShownDialog } from './shown-dialog.ts';
import { StrayDialogs } from './stray-dialogs.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** A dialog that is missing for less than this (ms) is being drawn anew: Gemini CLI 0.61.0 draws in several steps. */
const REDRAWN_MS = 100;
const OTHER_DIALOG = 'another dialog has taken its place';

/** A hook of an agent that waits for the decision on its request. */
interface WaitingHook {
  pid: number | undefined;
  answer: (result: HookResult) => void;
}

/** What is known of an open request beside its record. */
interface Known {
  /** The dialog that asks for it, once it was seen. */
  dialog?: string | undefined;
  callId?: string | undefined;
  /** What its hook told, which did not wait. */
  hint?: HookReport | undefined;
  hook?: WaitingHook | undefined;
  /** Somebody's decision on it is being carried out: what the screen shows meanwhile is its effect. */
  deciding?: boolean;
}

/** The permission requests of open jobs: heard from hooks, seen on screens, decided by whoever has the right to. */
export class Permissions {
  private readonly registrar: Registrar;
  private readonly servers: TmuxServers;
  /** By request id. */
  private readonly known = new Map<string, Known>();
  /** By job id: requests that are being written. */
  private readonly opening = new Map<string, Promise<unknown>>();
  /** By job id: since when the screen shows no dialog for its open requests, in ms since 1970. */
  private readonly missingSince = new Map<string, number>();
  private readonly strays = new StrayDialogs();
  private readonly hints = new PermissionHints();
  private readonly relays = new Relays();

  constructor(options: { registrar: Registrar; servers: TmuxServers }) {
    this.registrar = options.registrar;
    this.servers = options.servers;
  }

  /**
   * A hook tells of a request. One that does not wait for the decision only tells in advance what the dialog that comes
   * up will ask for: the request counts from when that is seen.
   * @param pid of a hook that waits for the decision
   * @returns the decision for a hook that waits; nothing once the request was settled another way
   */
  async asked(job: LiveJob, report: HookReport, pid: number | undefined): Promise<HookResult> {
    if (pid === undefined) {
      this.hints.add(job.id, report);
      return {};
    }
    this.strays.forget(job.id);
    const requestId = this.heardBefore(job, report) ?? (await this.open(job, 'hook', report));
    return new Promise((answer) => {
      this.know(requestId, { callId: report.call_id, hook: { pid, answer } });
    });
  }

  /** The agent has relayed a dialog. @returns the decision; nothing once the request was settled another way */
  relayed(job: LiveJob, report: HookReport): Promise<HookResult> {
    return this.relays.add(job.id, report);
  }

  /** A request was settled without us: the agent says so, or has ended the hook that waited. */
  settled(job: LiveJob, callId: string | undefined, pid: number | undefined): void {
    for (const { request_id: id } of openEvidence(job.record)) {
      const known = this.known.get(id);
      const same =
        callId === undefined ? pid !== undefined && known?.hook?.pid === pid : known?.callId === callId;
      if (same) void this.settle(job, id, 'the agent says that it was settled');
    }
  }

  /** A tool has run: what was asked for it is settled. */
  toolUsed(job: LiveJob, callId: string | undefined): void {
    for (const { request_id: id } of openEvidence(job.record)) {
      if (callId !== undefined && this.known.get(id)?.callId === callId)
        void this.settle(job, id, 'the tool has run');
    }
  }

  /** The agent's turn is over: nothing is asked any more. */
  turnEnded(job: LiveJob): void {
    this.hints.drop(job.id);
    this.relays.drop(job.id);
    for (const { request_id: id } of openEvidence(job.record))
      void this.settle(job, id, 'the turn has ended');
  }

  /**
   * What the screen of a job's agent shows now.
   * @returns true when the screen has to be looked at once more: a dialog is missing that may just be drawn anew
   */
  seen(job: LiveJob, dialog: ShownDialog | undefined): boolean {
    // While a person types, Claude Code 2.1.330 shows only that a permission is waited for: the dialog is not gone.
    if (dialog?.name === 'permission' && !dialog.whole && openEvidence(job.record).length > 0) return false;
    if (this.isJustMissing(job, dialog)) return true;
    for (const request of openEvidence(job.record)) {
      const known = this.known.get(request.request_id);
      const gone =
        known?.dialog === undefined
          ? // A request that an earlier hub has heard of has lost its dialog's look with that hub.
            known === undefined && !isAbout(dialog, request)
          : known.dialog !== dialog?.key;
      if (gone && dialog !== undefined && known !== undefined && isAbout(dialog, request)) {
        // The same one, drawn anew or further.
        this.know(request.request_id, { dialog: dialog.key });
      } else if (gone && known?.deciding !== true) this.left(job, request.request_id, dialog);
    }
    if (dialog === undefined) this.strays.forget(job.id);
    else if (!this.opening.has(job.id)) this.place(job, dialog);
    return false;
  }

  /** A request's dialog has gone. One that has made room for another may be asked for again, with nothing told anew. */
  private left(job: LiveJob, requestId: string, other: ShownDialog | undefined): void {
    const hint = this.known.get(requestId)?.hint;
    if (other === undefined) void this.settle(job, requestId, 'its dialog is gone');
    else {
      if (hint !== undefined) this.hints.putBack(job.id, hint);
      void this.settle(job, requestId, OTHER_DIALOG, 'settled in the pane, or put off by the agent');
    }
  }

  /** True when an open request has no dialog, but not for long: a picture may be taken in the middle of a drawing. */
  private isJustMissing(job: LiveJob, dialog: ShownDialog | undefined): boolean {
    if (dialog !== undefined || openEvidence(job.record).length === 0) {
      this.missingSince.delete(job.id);
      return false;
    }
    const now = Date.now();
    const since = this.missingSince.get(job.id) ?? now;
    this.missingSince.set(job.id, since);
    return now - since < REDRAWN_MS;
  }

  /** Finds the request that a dialog on the screen belongs to, or makes it one. */
  private place(job: LiveJob, dialog: ShownDialog): void {
    const open = openEvidence(job.record);
    const dialogOf = ({ request_id: id }: PeerRequest) => this.known.get(id)?.dialog;
    if (open.some((request) => dialogOf(request) === dialog.key)) return;
    if (dialog.name !== 'permission') {
      this.noteStray(job, dialog);
      return;
    }
    const unseen = open.filter((request) => dialogOf(request) === undefined);
    const mine =
      unseen.find((request) => isAbout(dialog, request)) ?? (unseen.length === 1 ? unseen[0] : undefined);
    if (mine !== undefined) {
      this.know(mine.request_id, { dialog: dialog.key });
      this.strays.forget(job.id);
      return;
    }
    const hint = this.hints.take(job.id, dialog);
    if (hint === undefined) {
      this.noteStray(job, dialog);
      return;
    }
    this.strays.forget(job.id);
    this.openHinted(job, hint, dialog);
  }

  private openHinted(job: LiveJob, hint: HookReport, dialog: ShownDialog): void {
    void this.open(job, 'hook', hint).then((id) =>
      this.know(id, { dialog: dialog.key, callId: hint.call_id, hint }),
    );
  }

  private know(requestId: string, more: Known): void {
    this.known.set(requestId, { ...this.known.get(requestId), ...more });
  }

  /** Lets go of what was known of a job that has ended; its hooks go on without a decision. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (isFinal(after.status)) {
      this.strays.forget(job.id);
      this.missingSince.delete(job.id);
      this.hints.drop(job.id);
      this.relays.drop(job.id);
    }
    for (const { request_id: id, resolved_at } of after.requests) {
      if (resolved_at === undefined && !isFinal(after.status)) continue;
      this.known.get(id)?.hook?.answer({});
      this.known.delete(id);
    }
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
    decision: 'allow' | 'deny',
    by: 'supervisor' | 'person',
    wanted: string | undefined,
  ): Promise<string> {
    await this.opening.get(job.id);
    const request = this.requestOf(job, wanted);
    const requestId = request.request_id;
    const known = this.known.get(requestId);
    if (known?.deciding === true) {
      throw new MamError('conflict', 'Somebody else is deciding on this request now.', 'Look at job_status.');
    }
    const isPeers = request.source === 'peer' || request.source === 'person';
    this.know(requestId, { deciding: true });
    try {
      await this.registrar.record(job, {
        event_id: newEventId(),
        job_id: job.id,
        type: 'answered',
        source: by,
        at: new Date().toISOString(),
        data: { request_id: requestId, decision },
      });
      // It may have been settled in the pane while the decision was written down.
      if (!isPeers) this.requestOf(job, requestId);
      const what = inFewWords(request);
      if (isPeers)
        return `The decision (${decision}: ${what}) goes to the peer with its next report, or is typed when it is idle.`;
      const hook = known?.hook;
      if (hook?.pid !== undefined && startOf(hook.pid) !== undefined) {
        hook.answer({ decision, reason: `Decided by the ${by} of job ${job.id}.` });
        await this.settle(job, requestId, `${decision}, by the agent's hook`, decision);
        return `The agent's hook has taken the decision: ${decision} (${what}).`;
      }
      if (this.relays.decide(job.id, request, openEvidence(job.record).length === 1, { decision }))
        return `${await this.afterRelay(job, request, decision)} (${what}).`;
      const pressed = await pressDecision(this.servers, job.record, request, known?.dialog, decision);
      return `${await this.afterPress(job, requestId, decision, pressed)} (${what})`;
    } finally {
      if (this.known.has(requestId)) this.know(requestId, { deciding: false });
    }
  }

  private requestOf(job: LiveJob, wanted: string | undefined): PeerRequest {
    return meantPermission(
      job.record,
      wanted,
      ({ request_id: id }) => this.known.get(id)?.dialog !== undefined,
    );
  }

  /** A decision that went back over the agent's channel has no other answer than that the dialog goes away. */
  private async afterRelay(job: LiveJob, request: PeerRequest, decision: string): Promise<string> {
    const { request_id: id } = request;
    const left = await dialogLeaves(this.servers, job.record, request, this.known.get(id)?.dialog);
    // A further dialog that asks for the same was relayed on its own: the first one has gone.
    if (!left && !this.relays.has(job.id, request)) {
      throw new MamError(
        'refused',
        "The decision went back over the agent's channel, but the dialog is still on the screen.",
        'Answer once more: then its key is pressed. Or answer in the pane.',
      );
    }
    await this.resolve(job, id, `${decision}, over the agent's channel`, decision);
    return `The agent has taken the decision over its channel: ${decision}`;
  }

  private async afterPress(
    job: LiveJob,
    requestId: string,
    decision: string,
    pressed: Pressed,
  ): Promise<string> {
    if (pressed.kind === 'refused') throw new MamError('refused', pressed.why, pressed.hint);
    if (pressed.kind === 'gone') {
      await this.settle(job, requestId, 'its dialog is gone');
      throw new MamError('conflict', pressed.why, 'It was settled in the pane. Look at job_status.');
    }
    await this.settle(job, requestId, pressed.evidence, decision);
    return `${pressed.evidence}.`;
  }

  /** The open request that this hook asks for once more: the hub that it told first has ended. */
  private heardBefore(job: LiveJob, asked: Asked): string | undefined {
    return openEvidence(job.record).find(
      (request) => this.known.get(request.request_id)?.hook === undefined && asksTheSame(request, asked),
    )?.request_id;
  }

  private noteStray(job: LiveJob, dialog: ShownDialog): void {
    this.strays.note(job.id, dialog.key, () => {
      if (isFinal(job.record.status)) return;
      const hint = dialog.name === 'permission' ? this.hints.takeOnly(job.id) : undefined;
      if (hint !== undefined) this.openHinted(job, hint, dialog);
      else void this.open(job, 'hub', dialog).then((id) => this.know(id, { dialog: dialog.key }));
    });
  }

  private open(job: LiveJob, source: 'hook' | 'hub', asked: Asked): Promise<string> {
    const draft = permissionDraft(job.id, source, asked);
    const opened = this.registrar.record(job, draft).then(() => draft.event_id);
    this.opening.set(job.id, opened);
    return opened.finally(() => this.opening.delete(job.id));
  }

  private settle(job: LiveJob, requestId: string, why: string, decision?: string): Promise<void> {
    const open = openEvidence(job.record);
    const request = open.find((one) => one.request_id === requestId);
    if (request !== undefined) this.relays.forget(job.id, request, open.length === 1);
    return this.resolve(job, requestId, why, decision);
  }

  private async resolve(job: LiveJob, requestId: string, why: string, decision?: string): Promise<void> {
    const request = job.record.requests.find((one) => one.request_id === requestId);
    if (request === undefined || request.resolved_at !== undefined || isFinal(job.record.status)) return;
    await this.registrar.note(job, 'permission_resolved', {
      data: {
        request_id: requestId,
        evidence: why,
        decision: decision ?? 'settled in the pane',
      },
    });
  }
}
