import { screenOf } from '../../agents/index.ts';
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import type { Origin } from '../../job/claim.ts';
import {
  isLookedAt,
  isSessionLeft,
  poolOf,
  usesNewSession,
  waitsForNewSession,
} from '../../job/new-session.ts';
import type { JobRecord } from '../../job/record.ts';
import { AMENDABLE } from '../../job/words.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { paneKey, pidsOf } from '../panes/pane-owners.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { endUnattended } from '../sessions/agent-stop.ts';
import { type Left, whyLeft } from '../sessions/why-left.ts';
import { ownPane } from './own-pane.ts';

/** How long (ms) an agent must be idle before its session is ended: between two steps of a turn it may look idle. */
const IDLE_MS = 1_000;
/** When (ms) to look again at a session that was left: no event says that somebody has detached. */
const LOOK_AGAIN_MS = 2_000;
const WHY_CHARS = 200;

/** What was seen of a session whose job has ended. */
interface Seen {
  /** What keeps it; undefined for an idle one. */
  left: Left | undefined;
  /** Since when it has been idle, by the monotonic clock. */
  idleSince: number | undefined;
  /** It has been idle for so long that its turn was over. */
  wasIdle: boolean;
  /** Why it stays, as the log has it. */
  logged?: string | undefined;
}

/**
 * Ends the sessions that were started for one job each, once the job is done and looked at, and nobody else uses them:
 * also those of jobs that an earlier hub has left.
 */
export class UsedSessions {
  readonly #with;
  /** The jobs that have a session of their own in use, or one that is still to be ended. */
  readonly #jobs = new Set<LiveJob>();
  readonly #seen = new Map<LiveJob, Seen>();
  readonly #looking = new Set<LiveJob>();
  readonly #next = new Map<LiveJob, NodeJS.Timeout>();
  #stopped = false;
  /** Called when a session no longer counts as in use, though no event says so. */
  onFreed: (job: LiveJob) => void = () => {};

  constructor(parts: {
    registrar: Registrar;
    servers: TmuxServers;
    dispatcher: Dispatcher;
    log: Log;
    /** True while a job's agent is being started. */
    isStarting: (jobId: string) => boolean;
  }) {
    this.#with = parts;
  }

  /** True while a session is about to be ended. What a person or a dialog keeps is left to the next hub. */
  get hasWork(): boolean {
    return [...this.#jobs].some((job) => {
      const left = this.#seen.get(job)?.left;
      return this.#mayEnd(job) && (left === undefined || left.isBusy === true);
    });
  }

  /** The jobs whose own sessions count as in use, of one kind. A session that a person uses by now is that person's. */
  inUse(pool: string): LiveJob[] {
    return [...this.#jobs].filter(
      (job) =>
        poolOf(job.record) === pool &&
        usesNewSession(job.record) &&
        (this.#seen.get(job)?.left?.by !== 'person' || !isSessionLeft(job.record)),
    );
  }

  /** What keeps the session of an ended job. */
  leftOf(job: LiveJob): Left | undefined {
    return this.#seen.get(job)?.left;
  }

  /** The ended job whose own session has this pane, and why the session is still there; undefined for any other pane. */
  at(socket: string, pane: string): { made_for: string; stays: string } | undefined {
    const key = paneKey({ socket, pane });
    const job = [...this.#jobs].find(({ record: { agent_session: own } }) => own && paneKey(own) === key);
    if (job === undefined || !isSessionLeft(job.record)) return undefined;
    const unseen = isLookedAt(job.record)
      ? 'it is about to be ended'
      : 'nobody has looked at the end of the job';
    return { made_for: job.id, stays: this.#seen.get(job)?.left?.why ?? unseen };
  }

  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (after.new_session === undefined || job.replica !== undefined) return;
    this.#keep(job);
    if (this.#jobs.has(job)) this.#look(job);
  }

  resumeAll(jobs: LiveJob[]): void {
    for (const job of jobs) {
      if (job.record.new_session === undefined || job.replica !== undefined) continue;
      this.#keep(job);
      this.#look(job);
    }
  }

  /** The panes of a tmux server have changed. */
  onPanes(socket: string): void {
    for (const job of this.#jobs) if (job.record.new_session?.socket === socket) this.#look(job);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#next.values()) clearTimeout(timer);
    this.#next.clear();
  }

  /** A job waits for a session of this kind: one of an ended job that nobody has looked at gives way. */
  makeRoom(pool: string): void {
    for (const job of this.#jobs) if (poolOf(job.record) === pool && this.#mayEnd(job)) this.#look(job);
  }

  /** An agent has taken a prompt that belongs to no open job: whoever gave it goes on in that session. */
  async tookPrompt(origin: Origin | undefined, text: string): Promise<void> {
    if (origin?.pane === undefined || origin.socket === undefined) return;
    const key = paneKey({ socket: origin.socket, pane: origin.pane });
    const pids = pidsOf(origin);
    for (const job of this.#jobs) {
      const { agent_session: session, agent_process: agent } = job.record;
      if (session === undefined || agent === undefined || !isSessionLeft(job.record)) continue;
      // The hook may tell of the job's own order when the job has ended.
      if (paneKey(session) !== key || !pids.includes(agent.pid) || text.includes(job.id)) continue;
      await this.#over(job, 'taken', 'A prompt was submitted in it after the job had ended.');
    }
  }

  #keep(job: LiveJob): void {
    const { registrar } = this.#with;
    const { record } = job;
    const isNeeded = usesNewSession(record) || isSessionLeft(record) || waitsForNewSession(record);
    if (isNeeded && registrar.held(job.id) === job) this.#jobs.add(job);
    else this.#forget(job);
  }

  #forget(job: LiveJob): void {
    clearTimeout(this.#next.get(job));
    this.#next.delete(job);
    this.#jobs.delete(job);
    this.#seen.delete(job);
  }

  /** True for a session that is to be ended as soon as nobody uses it. */
  #mayEnd(job: LiveJob): boolean {
    return isSessionLeft(job.record) && (isLookedAt(job.record) || this.#givesWay(job));
  }

  /** True for the oldest of those that nobody has looked at, as many as jobs wait for one. */
  #givesWay(job: LiveJob): boolean {
    const pool = poolOf(job.record);
    const waiting = [...this.#jobs].filter(
      ({ record }) => poolOf(record) === pool && waitsForNewSession(record),
    ).length;
    if (waiting === 0) return false;
    const unseen = [...this.#jobs].filter(
      ({ record }) => poolOf(record) === pool && isSessionLeft(record) && !isLookedAt(record),
    );
    const oldest = unseen.sort((a, b) => endOf(a.record).localeCompare(endOf(b.record)));
    return oldest.indexOf(job) < waiting;
  }

  #look(job: LiveJob): void {
    if (this.#stopped || this.#looking.has(job) || !isSessionLeft(job.record)) return;
    this.#looking.add(job);
    void this.#decide(job)
      .catch((error: unknown): Left => ({ by: 'agent', why: `it cannot be looked at: ${explain(error)}` }))
      .then((left) => this.#saw(job, left))
      .finally(() => this.#looking.delete(job));
  }

  /** Ends the session of an ended job if it may be. @returns what keeps it; undefined for one that is idle, or over */
  async #decide(job: LiveJob): Promise<Left | undefined> {
    const { registrar, servers, log, isStarting } = this.#with;
    if (registrar.held(job.id) !== job) return undefined;
    if (isStarting(job.id)) return { by: 'agent', why: 'it is being started' };
    const found = await ownPane(servers, job.record);
    if (found === 'unclear') return { by: 'agent', why: 'its tmux server cannot be asked' };
    if (found === 'gone') {
      await this.#over(job, 'gone', 'The session is gone.');
      return undefined;
    }
    const left = await this.#leftIn(job, found.socket, found.pane);
    const seen = this.#seen.get(job);
    if (left !== undefined) {
      if (left.isBusy !== true || seen?.wasIdle !== true) return left;
      await this.#over(job, 'taken', 'A turn has begun in it after the job had ended.');
      return undefined;
    }
    if (!this.#mayEnd(job) || !isSteady(seen)) return undefined;
    if (!(await endUnattended(servers.get(found.socket), found.pane)))
      return { by: 'person', why: 'somebody has just attached to it' };
    log.info(`session ${found.pane.session} of job ${job.id} was ended`);
    await this.#over(job, 'ended', 'The session that was started for the job was ended.');
    return undefined;
  }

  async #leftIn({ id, record }: LiveJob, socket: string, pane: PaneInfo): Promise<Left | undefined> {
    const { registrar } = this.#with;
    const key = paneKey({ socket, pane: pane.pane });
    const below = registrar.unfinished.find(
      ({ record: { parent_job_id, notify } }) =>
        parent_job_id === id || (notify !== undefined && paneKey(notify) === key),
    );
    if (below !== undefined) return { by: 'job', why: `its agent has delegated job ${below.id}` };
    const { agent, typing, reason = '' } = record;
    const left = await whyLeft(this.#with, socket, pane, { agent, typing });
    if (left !== undefined || pane.dead) return left;
    // Its agent may still work, and its screen does not say so.
    const isBlind = screenOf(agent, typing).ready === undefined && AMENDABLE.includes(reason);
    return isBlind ? { by: 'agent', why: 'its screen does not show whether it is idle' } : undefined;
  }

  #saw(job: LiveJob, left: Left | undefined): void {
    if (this.#stopped || !this.#jobs.has(job) || !isSessionLeft(job.record)) return;
    const { log } = this.#with;
    const before = this.#seen.get(job);
    const idleSince = left === undefined ? (before?.idleSince ?? performance.now()) : undefined;
    const seen: Seen = { left, idleSince, wasIdle: before?.wasIdle === true, logged: before?.logged };
    seen.wasIdle ||= isSteady(seen);
    this.#seen.set(job, seen);
    const mayEnd = this.#mayEnd(job);
    // Once it may be ended: before that, nobody waits for its end.
    const isNew = left !== undefined && mayEnd && left.why !== seen.logged;
    if (isNew) seen.logged = left.why;
    if (isNew)
      log.warn(
        `session ${job.record.new_session?.name} of job ${job.id} is left: ${cleanLine(left.why, WHY_CHARS)}`,
      );
    if ((left?.by === 'person') !== (before?.left?.by === 'person')) this.onFreed(job);
    const isWaiting = left === undefined && !seen.wasIdle;
    if (mayEnd || isWaiting) this.#lookLater(job, left === undefined ? IDLE_MS : LOOK_AGAIN_MS);
  }

  #lookLater(job: LiveJob, ms: number): void {
    clearTimeout(this.#next.get(job));
    this.#next.set(job, setTimeout(() => this.#look(job), ms).unref());
  }

  /** Notes that a session is over, or no longer the hub's to end. */
  async #over(job: LiveJob, how: 'ended' | 'gone' | 'taken', detail: string): Promise<void> {
    await this.#with.registrar.noteNow(job, 'session_ended', { detail, data: { how } });
  }
}

function isSteady(seen: Pick<Seen, 'idleSince'> | undefined): boolean {
  return seen?.idleSince !== undefined && performance.now() - seen.idleSince >= IDLE_MS;
}

function endOf({ final_at, created_at }: JobRecord): string {
  return final_at ?? created_at;
}
