import { setTimeout as sleep } from 'node:timers/promises';
import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { HookResult } from '../../operations/request.ts';
import { shoot } from '../../tmux/screen.ts';
import { type Asked, asksTheSame, permissionDraft } from '../dialogs/permission-draft.ts';
import { compareDialog, dialogOn, type ShownDialog, sameDialog } from '../dialogs/shown-dialog.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { KnownPermissions } from './known-permissions.ts';
import { openEvidence } from './open-permission.ts';
import { PermissionHints } from './permission-hints.ts';
import { StrayDialogs } from './stray-dialogs.ts';

/** A dialog that is missing for less than this (ms) is being drawn anew: Gemini CLI 0.61.0 draws in several steps. */
const REDRAWN_MS = 100;

/** The evidence for a request whose hub has ended. */
const NOT_SEEN = 'its dialog was gone when this hub looked, after an earlier one had ended';

/** The permission requests of open jobs: heard from hooks, seen on screens, settled when they are asked no more. */
export class Permissions {
  private readonly registrar: Registrar;
  private readonly servers: TmuxServers;
  private readonly known: KnownPermissions;
  /** By job id: requests that are being written. */
  private readonly opening = new Map<string, Promise<unknown>>();
  /** By job id: since when the screen shows no dialog for its open requests, on the clock that nobody sets. */
  private readonly missingSince = new Map<string, number>();
  private readonly strays = new StrayDialogs();
  private readonly hints = new PermissionHints();

  constructor(options: { registrar: Registrar; servers: TmuxServers; known: KnownPermissions }) {
    this.registrar = options.registrar;
    this.known = options.known;
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
      const hook = { pid, answer };
      // Its job may have ended meanwhile.
      if (!this.known.add(job, requestId, { callId: report.call_id, told: report, hook })) answer({});
    });
  }

  /** A request was settled without us: the agent says so, or has ended the hook that waited. */
  settled(job: LiveJob, callId: string | undefined, pid: number | undefined): void {
    for (const { request_id: id } of openEvidence(job.record)) {
      const known = this.known.get(id);
      const same =
        callId === undefined ? pid !== undefined && known?.hook?.pid === pid : known?.callId === callId;
      if (same) void this.known.settle(job, id, 'the agent says that it was settled');
    }
  }

  /** A tool has run: what was asked for it is settled. Where the request came without the call's id, its words tell. */
  toolUsed(job: LiveJob, { call_id: callId, tool, input }: HookReport): void {
    for (const { request_id: id } of openEvidence(job.record)) {
      const { callId: asked, told, hook } = this.known.get(id) ?? {};
      const isTold = hook === undefined && told !== undefined && told.tool === tool && told.input === input;
      if (asked === undefined ? isTold : asked === callId)
        void this.known.settle(job, id, 'the tool has run');
    }
  }

  /** The agent's turn is over: nothing is asked any more. */
  turnEnded(job: LiveJob): void {
    this.hints.drop(job.id);
    for (const { request_id: id } of openEvidence(job.record))
      void this.known.settle(job, id, 'the turn has ended');
  }

  /**
   * What the screen of a job's agent shows now; what is gone from it is settled when this is over.
   * @returns true when the screen has to be looked at once more: a dialog is missing that may just be drawn anew
   */
  async seen(job: LiveJob, dialog: ShownDialog | undefined): Promise<boolean> {
    const open = openEvidence(job.record);
    // Such a dialog is there, though nobody can tell which: in a pane that is too small, or while a person types.
    if (dialog?.name === 'permission' && !dialog.isRead && open.length > 0) return false;
    const gone = open.filter((request) => this.isGone(request, dialog));
    if (this.isJustMissing(job, gone)) return true;
    const settled: Promise<void>[] = [];
    for (const request of open) {
      const known = this.known.get(request.request_id);
      if (known?.settling !== undefined && gone.includes(request)) settled.push(known.settling);
      else if (known?.takingEffect !== undefined) continue;
      else if (gone.includes(request)) settled.push(this.left(job, request.request_id, dialog));
      // The same one, drawn anew or further.
      else if (known?.dialog !== undefined) this.known.add(job, request.request_id, { dialog });
    }
    if (dialog === undefined) this.strays.forget(job.id);
    else if (!this.opening.has(job.id)) this.place(job, dialog);
    await Promise.all(settled);
    return false;
  }

  /** True when the screen does not show the dialog of a request. One whose dialog was never seen may still come up. */
  private isGone(request: PeerRequest, dialog: ShownDialog | undefined): boolean {
    const known = this.known.get(request.request_id);
    if (known?.told !== undefined && known.dialog === undefined) return false;
    // A request that an earlier hub has heard of has lost its dialog's look with that hub.
    return compareDialog(dialog, request, { seen: known?.dialog, told: known?.told }) === 'other';
  }

  /** A request's dialog has gone. One that has made room for another may be asked for again, with nothing told anew. */
  private left(job: LiveJob, requestId: string, other: ShownDialog | undefined): Promise<void> {
    const known = this.known.get(requestId);
    if (other === undefined) {
      const isOurs = known?.told !== undefined || known?.dialog !== undefined;
      const how = isOurs ? 'settled in the pane' : howUnseen(job, requestId);
      return this.known.settle(job, requestId, isOurs ? 'its dialog is gone' : NOT_SEEN, how);
    }
    const { told, hook } = known ?? {};
    if (told !== undefined && hook === undefined) this.hints.putBack(job.id, told);
    return this.known.settle(
      job,
      requestId,
      'another dialog has taken its place',
      'settled in the pane, or put off by the agent',
    );
  }

  /** True when requests have lost their dialog, but not for long: a picture may be taken in the middle of a drawing. */
  private isJustMissing(job: LiveJob, gone: readonly PeerRequest[]): boolean {
    if (gone.length === 0) {
      this.missingSince.delete(job.id);
      return false;
    }
    const now = performance.now();
    const since = this.missingSince.get(job.id) ?? now;
    this.missingSince.set(job.id, since);
    return now - since < REDRAWN_MS;
  }

  /** Finds the request that a dialog on the screen belongs to, or makes it one. */
  private place(job: LiveJob, dialog: ShownDialog): void {
    const open = openEvidence(job.record);
    const known = ({ request_id: id }: PeerRequest) => this.known.get(id);
    const dialogOf = (request: PeerRequest) => known(request)?.dialog;
    if (
      open.some((request) => {
        const shown = dialogOf(request);
        return shown !== undefined && sameDialog(dialog, shown);
      })
    )
      return;
    const unseen = open.filter((request) => dialogOf(request) === undefined);
    const compared = unseen.map((request) => compareDialog(dialog, request, { told: known(request)?.told }));
    const [only] = unseen.length === 1 && compared[0] === 'unknown' ? unseen : [];
    const mine = unseen[compared.indexOf('same')] ?? only;
    if (mine !== undefined) {
      this.known.add(job, mine.request_id, { dialog });
      this.strays.forget(job.id);
      return;
    }
    const hint = dialog.name === 'permission' ? this.hints.take(job.id, dialog) : undefined;
    if (hint === undefined) {
      this.noteStray(job, dialog);
      return;
    }
    this.strays.forget(job.id);
    this.openHinted(job, hint, dialog);
  }

  private openHinted(job: LiveJob, hint: HookReport, dialog: ShownDialog): void {
    void this.open(job, 'hook', hint).then((id) =>
      this.known.add(job, id, { dialog, callId: hint.call_id, told: hint }),
    );
  }

  /** Settled once a request that is being written down is in the record. */
  async opened(job: LiveJob): Promise<void> {
    await this.opening.get(job.id);
  }

  /** Looks at the pane now, so that what a person has settled there in this moment is known. */
  async look(job: LiveJob): Promise<void> {
    const session = job.record.agent_session;
    if (session === undefined) return;
    for (;;) {
      const shot = await shoot(this.servers.get(session.socket), session.pane);
      if (shot === undefined || shot.dead || !(await this.seen(job, dialogOn(shot.lines, job.record))))
        return;
      await sleep(REDRAWN_MS);
    }
  }

  onRecorded(job: LiveJob, recorded: Recorded): void {
    this.known.onRecorded(recorded);
    if (!isFinal(recorded.after.status)) return;
    this.strays.forget(job.id);
    this.missingSince.delete(job.id);
    this.hints.drop(job.id);
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
      const hint = dialog.name === 'permission' ? this.hints.takeOnly(job.id, dialog) : undefined;
      if (hint !== undefined) this.openHinted(job, hint, dialog);
      else
        void this.open(job, 'hub', dialog, dialog.isRead ? undefined : dialog.remedy).then((id) =>
          this.known.add(job, id, { dialog }),
        );
    });
  }

  private open(job: LiveJob, source: 'hook' | 'hub', asked: Asked, remedy?: string): Promise<string> {
    const draft = permissionDraft(job.id, source, asked, remedy);
    const opened = this.registrar.record(job, draft).then(() => draft.event_id);
    const all = Promise.allSettled([this.opening.get(job.id), opened]);
    this.opening.set(job.id, all);
    void all.then(() => {
      if (this.opening.get(job.id) === all) this.opening.delete(job.id);
    });
    return opened;
  }
}

/** How a request was settled that only an earlier hub has seen: by whom nobody knows. */
function howUnseen({ record }: LiveJob, requestId: string): string {
  const { decision } = record.requests.find(({ request_id: id }) => id === requestId) ?? {};
  return decision === undefined ? 'settled' : `settled after ${decision} was given`;
}
