import { MamError } from '../errors.ts';
import type { HookReport } from '../job/hook.ts';
import { newEventId } from '../job/id.ts';
import { LIMITS } from '../job/limits.ts';
import type { PeerRequest } from '../job/record.ts';
import type { HookResult } from '../job/request.ts';
import { cleanLine } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import { exists } from '../processes.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { type Pressed, pressDecision } from './press-decision.ts';
import { hubDraft, type Registrar } from './registrar.ts';
import type { ShownDialog } from './shown-dialog.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** A dialog that no hook has told of counts as a request when it has stood so long (ms): hooks need some tenths of a second. */
const SCREEN_MS = 1_500;
/** A hook's request whose dialog has not come up in this time (ms) was settled without one. */
const NEVER_SHOWN_MS = 5_000;
const TOOL_CHARS = 200;
const INPUT_CHARS = 1_000;

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
  /** By job id: a dialog on its screen that no request is known for, and since when. */
  private readonly stray = new Map<string, { dialog: string; timer: NodeJS.Timeout }>();
  /** By job id: requests that are being written. */
  private readonly opening = new Map<string, Promise<unknown>>();

  constructor(options: { registrar: Registrar; servers: TmuxServers }) {
    this.registrar = options.registrar;
    this.servers = options.servers;
  }

  /**
   * A hook tells of a request.
   * @param pid of a hook that waits for the decision
   * @returns the decision for a hook that waits; nothing once the request was settled another way
   */
  async asked(job: LiveJob, report: HookReport, pid: number | undefined): Promise<HookResult> {
    this.forgetStray(job);
    const requestId = this.heardBefore(job, report) ?? (await this.open(job, 'hook', report));
    const known: Known = { ...this.known.get(requestId), callId: report.call_id };
    this.known.set(requestId, known);
    setTimeout(() => {
      if (known.dialog === undefined && known.hook === undefined)
        void this.settle(job, requestId, 'no dialog came up');
    }, NEVER_SHOWN_MS).unref();
    if (pid === undefined) return {};
    return new Promise((answer) => {
      known.hook = { pid, answer };
    });
  }

  /** A request was settled without us: the agent says so, or has ended the hook that waited. */
  settled(job: LiveJob, callId: string | undefined, pid: number | undefined): void {
    for (const { request_id: id } of evidence(job)) {
      const known = this.known.get(id);
      const same =
        callId === undefined ? pid !== undefined && known?.hook?.pid === pid : known?.callId === callId;
      if (same) void this.settle(job, id, 'the agent says that it was settled');
    }
  }

  /** A tool has run: what was asked for it is settled. */
  toolUsed(job: LiveJob, callId: string | undefined): void {
    for (const { request_id: id } of evidence(job)) {
      if (callId !== undefined && this.known.get(id)?.callId === callId)
        void this.settle(job, id, 'the tool has run');
    }
  }

  /** The agent's turn is over: nothing is asked any more. */
  turnEnded(job: LiveJob): void {
    for (const { request_id: id } of evidence(job)) void this.settle(job, id, 'the turn has ended');
  }

  /** What the screen of a job's agent shows now. */
  seen(job: LiveJob, dialog: ShownDialog | undefined): void {
    const open = evidence(job);
    for (const { request_id: id } of open) {
      const shown = this.known.get(id)?.dialog;
      // A request that an earlier hub has heard of has lost its dialog's look with that hub.
      const over = shown === undefined ? !this.known.has(id) && dialog === undefined : shown !== dialog?.key;
      if (over && this.known.get(id)?.deciding !== true) void this.settle(job, id, 'its dialog is gone');
    }
    if (dialog === undefined) {
      this.forgetStray(job);
      return;
    }
    const left = evidence(job);
    if (left.some(({ request_id: id }) => this.known.get(id)?.dialog === dialog.key)) return;
    const unseen = left.find(({ request_id: id }) => this.known.get(id)?.dialog === undefined);
    if (unseen !== undefined) {
      this.known.set(unseen.request_id, { ...this.known.get(unseen.request_id), dialog: dialog.key });
      this.forgetStray(job);
    } else this.noteStray(job, dialog);
  }

  /** Lets go of what was known of a job that has ended; its hooks go on without a decision. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (isFinal(after.status)) this.forgetStray(job);
    for (const { request_id: id, resolved_at } of after.requests) {
      if (resolved_at === undefined && !isFinal(after.status)) continue;
      this.known.get(id)?.hook?.answer({});
      this.known.delete(id);
    }
  }

  /**
   * Carries a decision out, on exactly the request that is open.
   * @returns how, as a sentence
   * @throws MamError `conflict` when no such request is open any more, `refused` when it can't be decided from here
   */
  async decide(job: LiveJob, decision: 'allow' | 'deny', by: 'supervisor' | 'person'): Promise<string> {
    await this.opening.get(job.id);
    const open = job.record.requests.filter(
      (one) => one.kind === 'permission' && one.resolved_at === undefined,
    );
    const request = open.find((one) => this.known.get(one.request_id)?.dialog !== undefined) ?? open[0];
    if (request === undefined) {
      throw new MamError(
        'conflict',
        `Job ${job.id} has no open permission request; it may have been answered in its pane.`,
        'Look at job_status; wait_job tells of the next one.',
      );
    }
    const requestId = request.request_id;
    const known = this.known.get(requestId);
    const isPeers = request.source === 'peer' || request.source === 'person';
    await this.registrar.record(job, {
      event_id: newEventId(),
      job_id: job.id,
      type: 'answered',
      source: by,
      at: new Date().toISOString(),
      data: { request_id: requestId, decision },
    });
    if (isPeers)
      return 'The peer gets the decision with the answer to its next report, or typed when it is idle.';
    const hook = known?.hook;
    if (hook?.pid !== undefined && exists(hook.pid)) {
      hook.answer({ decision, reason: `Decided by the ${by} of job ${job.id}.` });
      if (known) known.hook = undefined;
      await this.settle(job, requestId, `${decision}, by the agent's hook`, decision);
      return `The agent's hook has taken the decision: ${decision}.`;
    }
    const deciding: Known = { ...known, deciding: true };
    this.known.set(requestId, deciding);
    try {
      const pressed = await pressDecision(this.servers, job.record, request, known?.dialog, decision);
      return await this.afterPress(job, requestId, decision, pressed);
    } finally {
      deciding.deciding = false;
    }
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
  private heardBefore(job: LiveJob, { tool, input }: HookReport): string | undefined {
    return evidence(job).find(
      (request) =>
        this.known.get(request.request_id)?.hook === undefined &&
        request.tool === cleanLine(tool ?? '', TOOL_CHARS) &&
        request.input === cleanLine(input ?? '', INPUT_CHARS),
    )?.request_id;
  }

  private noteStray(job: LiveJob, dialog: ShownDialog): void {
    if (this.stray.get(job.id)?.dialog === dialog.key) return;
    this.forgetStray(job);
    const timer = setTimeout(() => {
      this.stray.delete(job.id);
      if (isFinal(job.record.status)) return;
      void this.open(job, 'hub', dialog).then((requestId) =>
        this.known.set(requestId, { dialog: dialog.key }),
      );
    }, SCREEN_MS);
    this.stray.set(job.id, { dialog: dialog.key, timer });
  }

  private forgetStray(job: LiveJob): void {
    clearTimeout(this.stray.get(job.id)?.timer);
    this.stray.delete(job.id);
  }

  private open(
    job: LiveJob,
    source: 'hook' | 'hub',
    { tool = 'something', input = '' }: { tool?: string | undefined; input?: string | undefined },
  ): Promise<string> {
    const draft = hubDraft(job.id, 'permission_required', {
      source,
      detail: cleanLine(`${tool}: ${input}`, LIMITS.detailChars),
      data: { tool: cleanLine(tool, TOOL_CHARS), input: cleanLine(input, INPUT_CHARS) },
    });
    const opened = this.registrar.record(job, draft).then(() => draft.event_id);
    this.opening.set(job.id, opened);
    return opened.finally(() => this.opening.delete(job.id));
  }

  private async settle(job: LiveJob, requestId: string, why: string, decision?: string): Promise<void> {
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

/** The open requests that a hook or the screen told of. */
function evidence({ record }: LiveJob): PeerRequest[] {
  return record.requests.filter(
    ({ kind, source, resolved_at }) =>
      kind === 'permission' && resolved_at === undefined && (source === 'hook' || source === 'hub'),
  );
}
