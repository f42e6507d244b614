import { setTimeout as sleep } from 'node:timers/promises';
import { newEventId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { startOf } from '../../base/processes.ts';
import type { HookReport } from '../../job/hook.ts';
import { openRequests } from '../../job/open-requests.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { HookResult } from '../../operations/housekeeping.ts';
import { permissionDraft } from '../dialogs/permission-draft.ts';
import { dialogOn, type ShownDialog } from '../dialogs/shown-dialog.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { AgentPane } from '../panes/agent-pane.ts';
import { askedBefore, step } from './permission.ts';
import { type Action, NOTHING, type Permission, type Signal, type State } from './permission-state.ts';

/** A dialog that no hook has reported counts as a request after this time (ms): hooks need a few tenths of a second. */
const STANDING_MS = 1_500;
/** When (ms) to look again at a dialog that is perhaps being redrawn. */
const REDRAWN_MS = 100;

interface Parts {
  registrar: Registrar;
  paneOf: (record: JobRecord) => AgentPane | undefined;
  log: Log;
}

/** The permission requests of open jobs: keeps the state of each job, and does what `step` says. */
export class Permissions {
  readonly #with: Parts;
  /** By job id. */
  readonly #states = new Map<string, State>();
  /** Waiting hooks, by request id. */
  readonly #waiting = new Map<string, (result: HookResult) => void>();
  /** What is being written, by job id. */
  readonly #writing = new Map<string, Set<Promise<unknown>>>();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /**
   * A hook reports a request. A hook that does not wait for the decision only says in advance what the next dialog will ask
   * for: the request is opened when that dialog is seen.
   * @param pid of a hook that waits for the decision
   * @returns the decision for a waiting hook; an empty result once the request was settled in another way
   */
  async asked(job: LiveJob, report: HookReport, pid: number | undefined): Promise<HookResult> {
    if (isFinal(job.record.status)) return {};
    if (pid === undefined) {
      this.signal(job, { type: 'hinted', report, now: performance.now() });
      return {};
    }
    const id = askedBefore(this.#stateOf(job), report) ?? newEventId();
    return new Promise((answer) => {
      this.#waiting.set(id, answer);
      this.signal(job, { type: 'asked', report, pid, id });
    });
  }

  /**
   * Takes what the screen of a job's agent shows now; requests whose dialog is gone are settled when this resolves.
   * @returns true when the screen must be read again: a dialog is missing, but perhaps only being redrawn
   */
  async seen(job: LiveJob, dialog: ShownDialog | undefined): Promise<boolean> {
    const actions = this.signal(job, { type: 'seen', dialog, now: performance.now(), id: newEventId() });
    if (actions.some((action) => action.do === 'lookAgain')) return true;
    await this.written(job);
    return false;
  }

  /** Looks at the pane now, to learn what a person has just settled there. */
  async lookAtPane(job: LiveJob): Promise<void> {
    const pane = this.#with.paneOf(job.record);
    for (;;) {
      const shot = await pane?.look();
      if (shot === undefined || shot.dead) return;
      if (!(await this.seen(job, dialogOn(shot.lines, job.record)))) return;
      await sleep(REDRAWN_MS);
    }
  }

  /** Resolves once no request of a job, and no end of one, is being written. */
  async written(job: LiveJob): Promise<void> {
    for (let some = this.#writing.get(job.id); some !== undefined; some = this.#writing.get(job.id))
      await Promise.allSettled(some);
  }

  /** What is known about an open request. */
  of(job: LiveJob, requestId: string): Permission | undefined {
    return this.#stateOf(job).requests.find(({ id }) => id === requestId);
  }

  /** The ids of the requests on which the agent was given a decision. */
  given(job: LiveJob): string[] {
    return this.#stateOf(job).requests.flatMap(({ id, stage }) => (stage === 'given' ? [id] : []));
  }

  /** The function that answers the hook waiting for a decision on a request; undefined once its process has ended. */
  hookOf(job: LiveJob, requestId: string): ((result: HookResult) => void) | undefined {
    const pid = this.of(job, requestId)?.pid;
    if (pid === undefined || startOf(pid) === undefined || !this.#waiting.has(requestId)) return undefined;
    return (result) => this.#answer(requestId, result);
  }

  /** Changes the state of a job's permissions, and does what must be done then. */
  signal(job: LiveJob, signal: Signal): readonly Action[] {
    if (isFinal(job.record.status) && signal.type !== 'ended') return [];
    const { state, actions } = step(this.#stateOf(job), signal);
    this.#states.set(job.id, state);
    for (const action of actions) this.#do(job, action);
    return actions;
  }

  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (isFinal(after.status)) {
      this.signal(job, { type: 'ended' });
      this.#states.delete(job.id);
    } else if (this.#states.has(job.id))
      this.signal(job, { type: 'recorded', open: openRequests(after, 'permission') });
  }

  /** The state of a job; at first, what an earlier hub left open. */
  #stateOf(job: LiveJob): State {
    const open = openRequests(job.record, 'permission');
    return this.#states.get(job.id) ?? step(NOTHING, { type: 'recorded', open }).state;
  }

  #do(job: LiveJob, action: Action): void {
    const { registrar } = this.#with;
    switch (action.do) {
      case 'open': {
        const { id, source, asked, remedy } = action;
        const draft = { ...permissionDraft(job.id, source, asked, remedy), event_id: id };
        this.#write(job, { write: action.do, id }, registrar.record(job, draft));
        break;
      }
      case 'resolve': {
        const { id, evidence, decision = 'settled in the pane' } = action;
        const data = { request_id: id, evidence, decision };
        this.#write(job, { write: action.do, id }, registrar.note(job, 'permission_resolved', { data }));
        break;
      }
      case 'free':
        this.#answer(action.id, {});
        break;
      case 'time': {
        const { since } = action;
        const stood = () => ({ type: 'stood', since, now: performance.now(), id: newEventId() }) as const;
        setTimeout(() => this.signal(job, stood()), STANDING_MS).unref();
        break;
      }
    }
  }

  #write(job: LiveJob, tried: { write: 'open' | 'resolve'; id: string }, written: Promise<unknown>): void {
    const all = this.#writing.get(job.id) ?? new Set();
    this.#writing.set(job.id, all.add(written));
    written
      .catch((error) => this.#with.log.error(`a permission request of ${job.id} was not recorded`, error))
      .finally(() => {
        // An end that is held is still going to be written.
        const isHeld = tried.write === 'resolve' && this.#with.registrar.isHolding(job);
        if (!isHeld) this.signal(job, { type: 'tried', ...tried });
        all.delete(written);
        if (all.size === 0) this.#writing.delete(job.id);
      });
  }

  #answer(requestId: string, result: HookResult): void {
    this.#waiting.get(requestId)?.(result);
    this.#waiting.delete(requestId);
  }
}
