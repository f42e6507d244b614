import { setTimeout as sleep } from 'node:timers/promises';
import { randomSuffix } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import { owesLine, owesWake, wakeLine } from '../../job/wake.ts';
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

/** Jobs that change together get one line: how long (ms) the others, and the sign of a wait that is in force, have time. */
const LINE_DELAY_MS = 1_000;
/** How long (ms) a wait counts as in force without a sign of it: it gives one every second. */
const HOLD_MS = 4_000;
/** How long (ms) the screen of an idle supervisor has been ready: between two steps of a turn it may look idle, too. */
const IDLE_MS = 1_000;

/** How a supervisor is notified, in words. */
const TOLD = {
  seen: 'The supervisor has looked, or waits.',
  channel: "It is told over the supervisor's channel, which acknowledges nothing.",
  typing: "A line is typed into the supervisor's pane.",
  typed: 'The supervisor has taken the line.',
  blocked: 'The line was not typed: its pane had changed. It comes when that is free.',
  unverified: 'Whether the supervisor has taken the line is not known. It is not typed again.',
  gone: "The supervisor's agent has left its pane.",
} as const;

/** The jobs that one supervisor is to be notified of. */
interface Debt {
  supervisor: Supervisor;
  jobs: Set<LiveJob>;
}

/**
 * Notifies supervisors that do not wait: one line in their own pane, under the same guards as an order, once they are
 * idle. How far a supervisor was notified, by a line or an answer, is in the journal (`notified`); for a line before a key
 * is pressed, so no crash types it twice.
 */
export class Wakes {
  readonly #with;
  readonly #debts = new Map<string, Debt>();
  /** Up to which event a job's supervisor is notified by what is being written. */
  readonly #telling = new Map<LiveJob, number>();
  /** Jobs that a wait is about to report, each with the end of that time. */
  readonly #held = new Map<LiveJob, NodeJS.Timeout>();
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

  /** True while supervisors are still to be notified. */
  get hasWork(): boolean {
    return this.#debts.size + this.#held.size + this.#unfinished > 0;
  }

  onRecorded(job: LiveJob, { event, after }: Recorded): void {
    if (after.wake_seq === event.seq) this.#owe(job);
  }

  /** Takes up what the last hub left: lines that it was typing, and, once waits have had the time to come back, the rest. */
  resumeAll(jobs: LiveJob[]): void {
    const lines = new Map<string, LiveJob[]>();
    for (const job of jobs) {
      const line = job.record.notifying;
      if (line !== undefined) lines.set(line, [...(lines.get(line) ?? []), job]);
      this.#holdOne(job);
    }
    for (const [line, about] of lines) this.#finish(line, about);
  }

  /** A wait of the jobs' supervisor is in force: until it lapses, no line is typed. @throws MamError for an unknown job */
  async hold({ job_ids: ids, registry_dir, session }: HoldParams): Promise<void> {
    for (const id of ids) {
      const job = await this.#with.registrar.find(id, registry_dir);
      if (job.record.supervisor.session === session) this.#holdOne(job);
    }
  }

  /**
   * A client session is shown how a job stands.
   * @param shown `seq`: its state after that event; absent: now
   * @returns the job; `told` when it had not been notified of that before, in any way
   * @throws MamError for an unknown job
   */
  async seen(
    shown: Pick<StatusParams, 'job_id' | 'registry_dir' | 'seen_by' | 'told'> & { seq?: number },
  ): Promise<{ job: LiveJob; told: boolean }> {
    const job = await this.#with.registrar.find(shown.job_id, shown.registry_dir);
    const { supervisor, wake_seq: last, notified_seq: before = 0 } = job.record;
    const seq = Math.min(last, shown.seq ?? last);
    // Two servers of one session ask in the same moment.
    const known = Math.max(before, this.#telling.get(job) ?? 0);
    const told =
      !job.isHistory && shown.seen_by === supervisor.session && owesWake(job.record) && seq > known;
    if (told) {
      this.#telling.set(job, seq);
      await this.#note(job, seq, shown.told ?? 'seen').finally(() => {
        if (this.#telling.get(job) === seq) this.#telling.delete(job);
      });
    }
    return { job, told };
  }

  #holdOne(job: LiveJob): void {
    if (!owesLine(job.record)) return;
    clearTimeout(this.#held.get(job));
    const lapse = (): void => {
      this.#held.delete(job);
      this.#owe(job);
    };
    this.#held.set(job, setTimeout(lapse, HOLD_MS).unref());
  }

  #owe(job: LiveJob): void {
    const { notify: supervisor } = job.record;
    if (supervisor === undefined || !owesWake(job.record) || this.#held.has(job)) return;
    const key = `${supervisor.socket}\n${supervisor.pane}\n${supervisor.process.pid} ${supervisor.process.start}`;
    const debt = this.#debts.get(key) ?? { supervisor, jobs: new Set() };
    debt.jobs.add(job);
    if (this.#debts.has(key)) return;
    this.#debts.set(key, debt);
    setTimeout(() => this.#pay(key, debt), LINE_DELAY_MS).unref();
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
        const seq = job.record.notified_seq ?? 0;
        if (end.kind === 'submitted') await this.#note(job, seq, 'typed', { evidence: end.evidence });
        else await this.#note(job, seq, end.kind, why(end));
      }
      return true;
    };
    this.#with.dispatcher.atPane(supervisor, run, () => {
      this.#unfinished--;
    });
  }

  #pay(key: string, debt: Debt): void {
    const run = (stop: AbortSignal): Promise<boolean> =>
      this.#tell(debt, stop).catch((error: unknown) => {
        this.#with.log.error(`the supervisor in pane ${debt.supervisor.pane} was not notified`, error);
        return false;
      });
    this.#with.dispatcher.atPane(debt.supervisor, run, () => {
      this.#debts.delete(key);
      // What came while it was typed is a change of its own.
      for (const job of debt.jobs) this.#owe(job);
    });
  }

  /** @returns true when nothing is left to type, false to try again when the pane has changed */
  async #tell(debt: Debt, stop: AbortSignal): Promise<boolean> {
    if (this.#owing(debt).length === 0) return true;
    const { supervisor } = debt;
    const mark = randomSuffix();
    const server = this.#with.servers.get(supervisor.socket);
    const target = targetOf(supervisor);
    const look = lookAt(supervisor, mark);
    const first = await preflight({ server, target }, look);
    if ('gone' in first) return this.#gone(supervisor, this.#owing(debt), first.gone);
    if ('obstacle' in first) return false;
    await sleep(IDLE_MS, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) return false;
    const jobs = this.#owing(debt);
    if (jobs.length === 0) return true;
    const before = new Map(jobs.map((job) => [job, job.record.notified_seq ?? 0]));
    // What comes until the line is pasted is not in its words.
    const said = new Map(jobs.map((job) => [job, job.record.wake_seq]));
    let isAnnounced = false;
    const line = `${wakeLine(jobs.map(({ record }) => record))} ${noteOf(mark)}`;
    const steps: DeliverySteps = {
      pasting: async () => {
        for (const job of jobs) {
          const seq = Math.max(said.get(job) ?? 0, job.record.notified_seq ?? 0);
          await this.#note(job, seq, 'typing', { line });
        }
        isAnnounced = true;
      },
      visible: () => {},
      submitted: (evidence) => {
        for (const job of jobs) void this.#note(job, job.record.notified_seq ?? 0, 'typed', { evidence });
      },
      stop,
    };
    const { socket, agent, typing } = supervisor;
    const about = { socket, agent, typing, jobs: jobs.map(({ id }) => id), what: 'line' as const };
    const announced = { ...about, text: line, mark };
    const end = await this.#with.typist.type({ target, look, announced, steps });
    if (end.kind === 'blocked') {
      // Nothing was pasted: the line comes when the way is free.
      if (isAnnounced)
        for (const job of jobs)
          await this.#note(job, before.get(job) ?? 0, 'blocked', { evidence: end.obstacle.by });
      return false;
    }
    if (end.kind === 'gone') return this.#gone(supervisor, jobs, end.why);
    // What came while the line was typed is not in it.
    if (end.kind === 'unverified')
      for (const job of jobs) await this.#note(job, job.record.notified_seq ?? 0, 'unverified', why(end));
    return true;
  }

  /** @returns false where the agent may live, in a tmux server that is out of reach just now */
  async #gone(supervisor: Supervisor, jobs: LiveJob[], evidence: string): Promise<boolean> {
    if (!(await hasLeft(this.#with.servers, supervisor))) return false;
    for (const job of jobs) await this.#note(job, job.record.wake_seq, 'gone', why({ why: evidence }));
    return true;
  }

  /**
   * Notes how far a job's supervisor has been notified.
   * @param seq the wake that it knows of now
   * @param how `seen` by a look or a wait; `channel`; `typing`, then `typed`, `unverified` or `blocked`; or `gone` with its pane
   * @param more `evidence` of it; the `line` with `typing`
   * @throws MamError `io` when it could not be written
   */
  async #note(
    job: LiveJob,
    seq: number,
    how: keyof typeof TOLD,
    more: { evidence?: string; line?: string } = {},
  ): Promise<void> {
    const data = { seq, how, ...more };
    await this.#with.registrar.record(job, draftEvent(job.id, 'notified', { detail: TOLD[how], data }));
  }

  /** The jobs whose supervisor was not notified in another way, and is not about to be. A pruned job is no news. */
  #owing({ jobs }: Debt): LiveJob[] {
    for (const job of jobs)
      if (!owesWake(job.record) || this.#held.has(job) || this.#with.registrar.held(job.id) !== job)
        jobs.delete(job);
    return [...jobs];
  }
}

/** True where a supervisor's agent is seen to have ended. */
async function hasLeft(servers: TmuxServers, { socket, pane, process }: Supervisor): Promise<boolean> {
  const agent_session = { socket, pane, session: pane };
  const standing = await standingOf(servers, { agent_session, agent_process: process });
  return typeof standing === 'object' && 'lost' in standing;
}

function why(end: { why: string }): { evidence: string } {
  return { evidence: cleanLine(end.why, LIMITS.detailChars) };
}
