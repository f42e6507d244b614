import { MamError } from '../errors.ts';
import type { HookReport } from '../job/hook.ts';
import { newEventId } from '../job/id.ts';
import type { PeerRequest } from '../job/record.ts';
import type { HookResult } from '../job/request.ts';
import { clean, cleanLine, sliceUnits } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import { startOf } from '../processes.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import { dialogLeaves, type Pressed, pressDecision } from './press-decision.ts';
import { hubDraft, type Registrar } from './registrar.ts';
import { Relays } from './relays.ts';
import { isAbout, type ShownDialog } from './shown-dialog.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** A dialog that no hook has told of counts as a request when it has stood so long (ms): hooks need some tenths of a second. */
const SCREEN_MS = 1_500;
/** What a hook has told in advance is forgotten after this time (ms): no dialog came up. */
const HINT_MS = 15_000;
const SHOWN_CHARS = 160;
const TOOL_CHARS = 200;
/** Of a longer input the beginning and the end are shown; the whole lies in a file. */
const INPUT_CHARS = 1_000;
const HEAD_CHARS = 600;
const TAIL_CHARS = 350;

/** A hook of an agent that waits for the decision on its request. */
interface WaitingHook {
  pid: number | undefined;
  answer: (result: HookResult) => void;
}

/** What a hook tells of a dialog before it is drawn. */
interface Hint {
  report: HookReport;
  at: number;
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
  /** By job id: what hooks that do not wait have told of dialogs to come. */
  private readonly hints = new Map<string, Hint[]>();
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
      this.hints.set(job.id, [...this.hintsOf(job), { report, at: Date.now() }]);
      return {};
    }
    this.forgetStray(job);
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
    this.hints.delete(job.id);
    this.relays.drop(job.id);
    for (const { request_id: id } of evidence(job)) void this.settle(job, id, 'the turn has ended');
  }

  /** What the screen of a job's agent shows now. */
  seen(job: LiveJob, dialog: ShownDialog | undefined): void {
    // While a person types, Claude Code 2.1.330 shows only that a permission is waited for: the dialog is not gone.
    if (dialog?.name === 'permission' && !dialog.whole && evidence(job).length > 0) return;
    for (const request of evidence(job)) {
      const known = this.known.get(request.request_id);
      const gone =
        known?.dialog === undefined
          ? // A request that an earlier hub has heard of has lost its dialog's look with that hub.
            known === undefined && !isAbout(dialog, request)
          : known.dialog !== dialog?.key;
      if (gone && dialog !== undefined && known !== undefined && isAbout(dialog, request)) {
        // The same one, drawn anew or further.
        this.know(request.request_id, { dialog: dialog.key });
      } else if (gone && known?.deciding !== true)
        void this.settle(job, request.request_id, 'its dialog is gone');
    }
    if (dialog === undefined) this.forgetStray(job);
    else if (!this.opening.has(job.id)) this.place(job, dialog);
  }

  /** Finds the request that a dialog on the screen belongs to, or makes it one. */
  private place(job: LiveJob, dialog: ShownDialog): void {
    const open = evidence(job);
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
      this.forgetStray(job);
      return;
    }
    const hints = this.hintsOf(job);
    const hint =
      hints.find(({ report }) => isAbout(dialog, report)) ?? (hints.length === 1 ? hints[0] : undefined);
    if (hint === undefined) {
      this.noteStray(job, dialog);
      return;
    }
    this.forgetStray(job);
    this.hints.set(
      job.id,
      hints.filter((one) => one !== hint),
    );
    void this.open(job, 'hook', hint.report).then((id) =>
      this.know(id, { dialog: dialog.key, callId: hint.report.call_id }),
    );
  }

  /** What hooks have told in advance, not too long ago. */
  private hintsOf(job: LiveJob): Hint[] {
    return (this.hints.get(job.id) ?? []).filter(({ at }) => Date.now() - at < HINT_MS);
  }

  private know(requestId: string, more: Known): void {
    this.known.set(requestId, { ...this.known.get(requestId), ...more });
  }

  /** Lets go of what was known of a job that has ended; its hooks go on without a decision. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (isFinal(after.status)) {
      this.forgetStray(job);
      this.hints.delete(job.id);
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
      const what = cleanLine(request.text, SHOWN_CHARS);
      if (isPeers)
        return `The decision (${decision}: ${what}) goes to the peer with its next report, or is typed when it is idle.`;
      const hook = known?.hook;
      if (hook?.pid !== undefined && startOf(hook.pid) !== undefined) {
        hook.answer({ decision, reason: `Decided by the ${by} of job ${job.id}.` });
        await this.settle(job, requestId, `${decision}, by the agent's hook`, decision);
        return `The agent's hook has taken the decision: ${decision} (${what}).`;
      }
      if (this.relays.decide(job.id, request, evidence(job).length === 1, { decision }))
        return `${await this.afterRelay(job, request, decision)} (${what}).`;
      const pressed = await pressDecision(this.servers, job.record, request, known?.dialog, decision);
      return `${await this.afterPress(job, requestId, decision, pressed)} (${what})`;
    } finally {
      if (this.known.has(requestId)) this.know(requestId, { deciding: false });
    }
  }

  /**
   * The open request that is meant.
   * @throws MamError `conflict` when there is none, or another one by now; `not_found` when there never was one of that id
   */
  private requestOf(job: LiveJob, wanted: string | undefined): PeerRequest {
    const permissions = job.record.requests.filter(({ kind }) => kind === 'permission');
    const open = permissions.filter(({ resolved_at }) => resolved_at === undefined);
    const found =
      wanted === undefined
        ? (open.find(({ request_id: id }) => this.known.get(id)?.dialog !== undefined) ?? open[0])
        : open.find(({ request_id: id }) => id === wanted);
    if (found !== undefined) return found;
    const before = permissions.find(({ request_id: id }) => id === wanted);
    const [next] = open;
    if (next === undefined) {
      throw new MamError(
        'conflict',
        wanted !== undefined && before === undefined
          ? `Job ${job.id} has no permission request with this request_id, and no other one is open.`
          : `Job ${job.id} has no open permission request; it may have been answered in its pane.`,
        'Look at job_status; wait_job tells of the next one.',
      );
    }
    const gone =
      before === undefined
        ? `Job ${job.id} has no permission request with this request_id.`
        : `The request that you were shown (${cleanLine(before.text, SHOWN_CHARS)}) is open no more: ${before.decision ?? 'settled'}.`;
    throw new MamError(
      before === undefined ? 'not_found' : 'conflict',
      `${gone} Nothing was decided.`,
      `Now open is ${before === undefined ? 'this one' : 'another one'}: ${cleanLine(next.text, SHOWN_CHARS)}. If you mean that, answer with request_id "${next.request_id}".`,
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
  private heardBefore(job: LiveJob, { tool, input }: HookReport): string | undefined {
    return evidence(job).find(
      (request) =>
        this.known.get(request.request_id)?.hook === undefined &&
        request.tool === cleanLine(tool ?? '', TOOL_CHARS) &&
        [clean(input ?? '').trim(), bothEnds(clean(input ?? '').trim())].includes(request.input ?? ''),
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
    const whole = clean(input).trim();
    const draft = hubDraft(job.id, 'permission_required', {
      source,
      detail: cleanLine(`${tool}: ${whole}`, INPUT_CHARS),
      data: {
        tool: cleanLine(tool, TOOL_CHARS),
        input: bothEnds(whole),
        length: whole.length,
      },
      // Nobody shall allow what he has not been told: a long one is kept whole beside the journal.
      ...(whole.length > INPUT_CHARS && { result: whole }),
    });
    const opened = this.registrar.record(job, draft).then(() => draft.event_id);
    this.opening.set(job.id, opened);
    return opened.finally(() => this.opening.delete(job.id));
  }

  private settle(job: LiveJob, requestId: string, why: string, decision?: string): Promise<void> {
    const open = evidence(job);
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

/** The open requests that a hook or the screen told of. */
function evidence({ record }: LiveJob): PeerRequest[] {
  return record.requests.filter(
    ({ kind, source, resolved_at }) =>
      kind === 'permission' && resolved_at === undefined && (source === 'hook' || source === 'hub'),
  );
}

/** A long input with its middle left out: what a command does last may be what matters. */
function bothEnds(input: string): string {
  if (input.length <= INPUT_CHARS) return input;
  const left = input.length - HEAD_CHARS - TAIL_CHARS;
  const tail = input.slice(-TAIL_CHARS).replace(/^[\udc00-\udfff]/, '');
  return `${sliceUnits(input, 0, HEAD_CHARS)} [${left} characters left out] ${tail}`;
}
