import { setTimeout as sleep } from 'node:timers/promises';
import { randomSuffix } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import { isLookWanted } from '../../job/new-session.ts';
import { isLinePending, isWakePending, wakeLine } from '../../job/wake.ts';
import type { HoldParams } from '../../operations/housekeeping.ts';
import type { StatusParams } from '../../operations/status.ts';
import { type DeliverySteps, preflight } from '../../tmux/deliver.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { Typist } from '../delivery/typist.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { standingOf } from '../panes/losses.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { finishLine, lookAt, noteOf, type Supervisor, targetOf } from './wake-line.ts';

/** Jobs that change together get one line: how long (ms) to wait for the others, and for a wait that may report them. */
const LINE_DELAY_MS = 1_000;
/** How long (ms) a supervisor's wait suppresses lines after it was last heard from: it calls every second. */
const SUPPRESSED_MS = 4_000;
/** How long (ms) a supervisor's screen must be ready: between two steps of a turn it may look idle, too. */
const IDLE_MS = 1_000;

/** How a supervisor was notified, in words. */
const NOTIFIED = {
  seen: 'The supervisor has looked, or is waiting.',
  channel: 'The supervisor is notified over its channel, which acknowledges nothing.',
  typing: "A line is being typed into the supervisor's pane.",
  typed: 'The supervisor has received the line.',
  blocked: 'The line was not typed, because the pane had changed. It is typed when the pane is free.',
  unverified: 'It is not known whether the supervisor has received the line. It is not typed again.',
  gone: "The supervisor's agent has left its pane.",
} as const;

const LOOKED = 'Its supervisor or a person has looked at the end of the job.';

/** How far someone knows about a job: its `wake_seq`, and of a job on another host the episode. */
interface Place {
  seq: number;
  episode: number;
}
const NOTHING: Place = { seq: 0, episode: 0 };

/** A pending notification: the jobs that one supervisor must be notified of. */
interface Pending {
  supervisor: Supervisor;
  jobs: Set<LiveJob>;
}

/**
 * Notifies supervisors that do not wait: one line in their own pane, under the same guards as an order, once they are
 * idle. The journal says how far a supervisor was notified, by a line or an answer (`notified`); for a line it does so
 * before a key is pressed, so that no crash types it twice.
 */
export class Wakes {
  readonly #with;
  readonly #pending = new Map<string, Pending>();
  /** The event up to which a job's supervisor will be notified, by what is being written now. */
  readonly #notifying = new Map<LiveJob, Place>();
  /** Jobs that a wait is about to report, so that no line is typed, each with the timer that ends this. */
  readonly #suppressed = new Map<LiveJob, NodeJS.Timeout>();
  /** Lines that the last hub was typing. */
  #unfinished = 0;

  constructor(parts: {
    dispatcher: Dispatcher;
    registrar: Registrar;
    servers: TmuxServers;
    typist: Typist;
    log: Log;
  }) {
    this.#with = parts;
  }

  /** True while notifications are pending. */
  get hasWork(): boolean {
    return this.#pending.size + this.#suppressed.size + this.#unfinished > 0;
  }

  onRecorded(job: LiveJob, { event, after, home }: Recorded): void {
    if (after.wake_seq === event.seq || home === true) this.#add(job);
  }

  /** Takes up what the last hub left: the lines that it was typing, and the rest once waits have had time to come back. */
  resumeAll(jobs: LiveJob[]): void {
    const lines = new Map<string, LiveJob[]>();
    for (const job of jobs) {
      const line = job.record.notifying;
      if (line !== undefined) lines.set(line, [...(lines.get(line) ?? []), job]);
      this.#suppress(job);
    }
    for (const [line, about] of lines) this.#finish(line, about);
  }

  /** The jobs' supervisor is waiting: no line is typed until its wait lapses. @throws MamError for an unknown job */
  async hold({ job_ids: ids, registry_dir, session }: HoldParams): Promise<void> {
    for (const id of ids) {
      const job = await this.#with.registrar.find(id, registry_dir);
      if (job.record.supervisor.session === session) this.#suppress(job);
    }
  }

  /**
   * A client session is shown the state of a job.
   * @param shown `seq`: its state after that event; absent: now
   * @returns the job; `told` when the session had not been notified of that before, in any way
   * @throws MamError for an unknown job
   */
  async seen(
    shown: Pick<StatusParams, 'job_id' | 'registry_dir' | 'seen_by' | 'told'> & {
      seq?: number;
      by_person?: boolean | undefined;
    },
  ): Promise<{ job: LiveJob; told: boolean }> {
    const job = await this.#with.registrar.find(shown.job_id, shown.registry_dir);
    const { supervisor, wake_seq: last } = job.record;
    const now = lastOf(job);
    const place = { ...now, seq: Math.min(last, shown.seq ?? last) };
    // Two servers of one session may ask at the same time.
    const known = later(toldOf(job), this.#notifying.get(job));
    const told =
      !job.isHistory &&
      shown.seen_by === supervisor.session &&
      isWakePending(job.record) &&
      (place.seq > known.seq || place.episode > known.episode);
    if (told) {
      this.#notifying.set(job, place);
      await this.#note(job, later(place, known), shown.told ?? 'seen').finally(() => {
        if (this.#notifying.get(job) === place) this.#notifying.delete(job);
      });
    } else if (isLook(job, place.seq, shown)) {
      // Nobody asked to be notified of it: only the session that was started for the job waits for this.
      const said = { detail: LOOKED, data: { seq: place.seq } };
      await this.#with.registrar.noteNow(job, 'looked', said);
    }
    return { job, told };
  }

  #suppress(job: LiveJob): void {
    if (!isLinePending(job.record)) return;
    clearTimeout(this.#suppressed.get(job));
    const lapse = (): void => {
      this.#suppressed.delete(job);
      this.#add(job);
    };
    this.#suppressed.set(job, setTimeout(lapse, SUPPRESSED_MS).unref());
  }

  /** Adds a job to its supervisor's pending notification, if it needs one. */
  #add(job: LiveJob): void {
    const { notify: supervisor } = job.record;
    if (supervisor === undefined || !isWakePending(job.record) || this.#suppressed.has(job)) return;
    const key = `${supervisor.socket}\n${supervisor.pane}\n${supervisor.process.pid} ${supervisor.process.start}`;
    const pending = this.#pending.get(key) ?? { supervisor, jobs: new Set() };
    pending.jobs.add(job);
    if (this.#pending.has(key)) return;
    this.#pending.set(key, pending);
    setTimeout(() => this.#schedule(key, pending), LINE_DELAY_MS).unref();
  }

  #finish(line: string, jobs: LiveJob[]): void {
    const supervisor = jobs[0]?.record.notify;
    if (supervisor === undefined) return;
    this.#unfinished++;
    const run = async (stop: AbortSignal): Promise<boolean> => {
      const server = this.#with.servers.get(supervisor.socket);
      const end = await finishLine({ server, typist: this.#with.typist }, supervisor, line, stop);
      if (end === undefined || (end.kind === 'gone' && !(await hasLeft(this.#with.servers, supervisor))))
        return false;
      for (const job of jobs) {
        if (end.kind === 'submitted') await this.#note(job, toldOf(job), 'typed', { evidence: end.evidence });
        else await this.#note(job, toldOf(job), end.kind, why(end));
      }
      return true;
    };
    this.#with.dispatcher.atPane(supervisor, run, () => {
      this.#unfinished--;
    });
  }

  #schedule(key: string, pending: Pending): void {
    const run = (stop: AbortSignal): Promise<boolean> =>
      this.#deliver(pending, stop).catch((error: unknown) => {
        this.#with.log.error(`the supervisor in pane ${pending.supervisor.pane} was not notified`, error);
        return false;
      });
    this.#with.dispatcher.atPane(pending.supervisor, run, () => {
      this.#pending.delete(key);
      // Changes that came during the typing need another line.
      for (const job of pending.jobs) this.#add(job);
    });
  }

  /** @returns true when nothing is left to type, false to try again when the pane has changed */
  async #deliver(pending: Pending, stop: AbortSignal): Promise<boolean> {
    if (this.#jobsOf(pending).length === 0) return true;
    const { supervisor } = pending;
    const mark = randomSuffix();
    const server = this.#with.servers.get(supervisor.socket);
    const target = targetOf(supervisor);
    const look = lookAt(supervisor, mark);
    const first = await preflight({ server, target }, look);
    if ('gone' in first) return this.#gone(supervisor, this.#jobsOf(pending), first.gone);
    if ('obstacle' in first) return false;
    await sleep(IDLE_MS, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) return false;
    const jobs = this.#jobsOf(pending);
    if (jobs.length === 0) return true;
    const before = new Map(jobs.map((job) => [job, toldOf(job)]));
    // Events that come before the paste are not in the line.
    const said = new Map(jobs.map((job) => [job, lastOf(job)]));
    let isAnnounced = false;
    const line = `${wakeLine(jobs.map(({ record }) => record))} ${noteOf(mark)}`;
    const steps: DeliverySteps = {
      pasting: async () => {
        for (const job of jobs) {
          await this.#note(job, later(toldOf(job), said.get(job)), 'typing', { line });
        }
        isAnnounced = true;
      },
      visible: () => {},
      submitted: (evidence) => {
        for (const job of jobs) void this.#note(job, toldOf(job), 'typed', { evidence });
      },
      stop,
    };
    const { socket, agent, typing } = supervisor;
    const about = { socket, agent, typing, jobs: jobs.map(({ id }) => id), what: 'line' as const };
    const announced = { ...about, text: line, mark };
    const end = await this.#with.typist.type({ target, look, announced, steps });
    if (end.kind === 'blocked') {
      // Nothing was pasted: the line is typed when the pane is free.
      if (isAnnounced)
        for (const job of jobs)
          await this.#note(job, before.get(job) ?? NOTHING, 'blocked', { evidence: end.obstacle.by });
      return false;
    }
    if (end.kind === 'gone') return this.#gone(supervisor, jobs, end.why);
    if (end.kind === 'unverified')
      for (const job of jobs) await this.#note(job, toldOf(job), 'unverified', why(end));
    return true;
  }

  /** @returns false when the agent may be alive, in a tmux server that can't be reached just now */
  async #gone(supervisor: Supervisor, jobs: LiveJob[], evidence: string): Promise<boolean> {
    if (!(await hasLeft(this.#with.servers, supervisor))) return false;
    for (const job of jobs) await this.#note(job, lastOf(job), 'gone', why({ why: evidence }));
    return true;
  }

  /**
   * Notes how far a job's supervisor has been notified.
   * @param place what it knows about now
   * @param how `seen` by a look or a wait; `channel`; `typing`, then `typed`, `unverified` or `blocked`; or `gone`
   * @param more `evidence`; with `typing`, the `line`
   * @throws MamError `io` when it could not be written
   */
  async #note(
    job: LiveJob,
    { seq, episode }: Place,
    how: keyof typeof NOTIFIED,
    more: { evidence?: string; line?: string } = {},
  ): Promise<void> {
    const data = { seq, ...(job.replica && { episode }), how, ...more };
    await this.#with.registrar.record(job, draftEvent(job.id, 'notified', { detail: NOTIFIED[how], data }));
  }

  /** The jobs whose supervisor was not notified in another way, and is not about to be; pruned jobs are dropped. */
  #jobsOf({ jobs }: Pending): LiveJob[] {
    const { registrar } = this.#with;
    for (const job of jobs)
      if (!isWakePending(job.record) || this.#suppressed.has(job) || registrar.held(job.id) !== job)
        jobs.delete(job);
    return [...jobs];
  }
}

/** True for a look of the supervisor or a person at the end of a job, the first one, if something waits for that. */
function isLook(
  { record, isHistory, replica }: LiveJob,
  seq: number,
  { seen_by: by, by_person: isPerson }: Pick<StatusParams, 'seen_by'> & { by_person?: boolean | undefined },
): boolean {
  const isTheirs = isPerson === true || (by !== undefined && by === record.supervisor.session);
  return isTheirs && !isHistory && replica === undefined && isLookWanted(record) && seq >= record.wake_seq;
}

/** What there is to know about a job. */
function lastOf({ record }: LiveJob): Place {
  return { seq: record.wake_seq, episode: record.home?.episode ?? 0 };
}

/** What its supervisor knows. */
function toldOf({ record: { notified_seq: seq = 0, notified_episode: episode = 0 } }: LiveJob): Place {
  return { seq, episode };
}

function later(one: Place, other = NOTHING): Place {
  return { seq: Math.max(one.seq, other.seq), episode: Math.max(one.episode, other.episode) };
}

/** True when a supervisor's agent is seen to have ended. */
async function hasLeft(servers: TmuxServers, { socket, pane, process }: Supervisor): Promise<boolean> {
  const agent_session = { socket, pane, session: pane };
  const standing = await standingOf(servers, { agent_session, agent_process: process });
  return typeof standing === 'object' && 'lost' in standing;
}

function why(end: { why: string }): { evidence: string } {
  return { evidence: cleanLine(end.why, LIMITS.detailChars) };
}
