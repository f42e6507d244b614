import { screenOf } from '../../agents/index.ts';
import { awake, MAX_TIMER_MS, monotonic } from '../../base/awake.ts';
import type { Log } from '../../base/log.ts';
import { isOurNamespace, lifeOf } from '../../base/process-id.ts';
import { exists } from '../../base/processes.ts';
import { isSettled } from '../../job/apply.ts';
import { isAtWork } from '../../job/attention.ts';
import { OUT_OF_REACH } from '../../job/obstacle.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { PaneSample } from '../../tmux/sample.ts';
import { capture, find } from '../../tmux/screen.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { standingOf } from '../panes/losses.ts';
import { lossOf } from '../panes/lost-agent.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { NEVER, Outputs } from './outputs.ts';

/** How often to look at the agents' processes, in ms: a look is one system call, and a loss must be known within 1 s. */
const SWEEP_MS = 400;
/** After this many sweeps, one also distinguishes a process from a later one with the same id. */
const FULL_SWEEP = 10;
/** A peer that has said nothing this long after submission may not have got its prompt, in seconds. */
const START_DEADLINE_SECONDS = 90;
/** When to retry what could not be recorded, in ms; the pause doubles each time, up to the longest. */
const RETRY_MS = 900;
const LONGEST_PAUSE_MS = 8_000;

/** What the watcher concludes about an open job. */
type Conclusion = 'stalled' | 'timeout' | 'session_lost' | 'delivery_failed' | 'delivery_unverified';

interface Parts {
  registrar: Registrar;
  servers: TmuxServers;
  log: Log;
  /** Records reports on a job that could not be taken yet; true when there were any. */
  catchUp: (jobId: string) => Promise<boolean>;
  /** A sentence about what an ended agent left in its pane. */
  unread: (job: LiveJob) => Promise<string>;
}

/** Watches the open jobs' panes, processes and clocks, and records what they show. */
export class Watcher {
  readonly #with: Parts;
  readonly #outputs: Outputs;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #checking = new Set<string>();
  /** Jobs with a conclusion that could not be recorded: they are checked again. */
  readonly #unwritten = new Set<LiveJob>();
  #againAt = 0;
  #pause = RETRY_MS;
  #begun = false;
  #sweep: NodeJS.Timeout | undefined;
  #sweeps = 0;
  #stopped = false;

  constructor(parts: Parts) {
    this.#with = parts;
    this.#outputs = new Outputs(parts.servers);
  }

  /** Begins to watch. Earlier reports must be recorded by now: a limit may have passed long ago. */
  resumeAll(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#sweep = setInterval(() => this.#lookAtProcesses(), SWEEP_MS);
    for (const job of this.#with.registrar.open) this.resume(job);
  }

  /** Checks again the jobs whose conclusion could not be recorded. Kept reports must be recorded by now. */
  again(): void {
    if (monotonic() < this.#againAt) return;
    this.#againAt = monotonic() + this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
    for (const job of this.#unwritten) {
      this.#unwritten.delete(job);
      this.resume(job);
    }
  }

  /** True while there are conclusions that could not be recorded. */
  get hasUnwritten(): boolean {
    return this.#unwritten.size > 0;
  }

  /** Stops watching: the end of our own connections must not look like a loss. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#sweep);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Watches a job that the last hub left open; its limits fire now if they passed meanwhile. */
  resume(job: LiveJob): void {
    if (!this.#begun) return;
    const session = job.record.agent_session;
    // The first look subscribes to that server's panes.
    if (session !== undefined) void this.#checkPane(job);
    this.#arm(job);
  }

  onRecorded(job: LiveJob, { before, after }: Recorded): void {
    if (isFinal(after.status)) {
      clearTimeout(this.#timers.get(job.id));
      this.#timers.delete(job.id);
      this.#outputs.forget(job.id);
      this.#unwritten.delete(job);
      return;
    }
    // Activity only moves a deadline further away, which its timer finds out by itself.
    if (before?.status !== after.status || before.phase !== after.phase || !this.#timers.has(job.id))
      this.#arm(job);
  }

  /** Panes of a tmux server appeared, disappeared or changed. */
  onPanes(socket: string): void {
    for (const job of this.#with.registrar.open) {
      const session = job.record.agent_session;
      if (session?.socket !== socket) continue;
      const sample = this.#with.servers.sample(socket, session.pane);
      if (sample !== undefined && !sample.dead) this.#outputs.note(job, sample.window_activity);
      if (sample === undefined || sample.dead) void this.#checkPane(job);
      else if (job.record.attention.includes('stalled')) void this.#lookForOutput(job, sample);
    }
  }

  #lookAtProcesses(): void {
    this.#sweeps++;
    for (const job of this.#with.registrar.open) {
      const agent = job.record.agent_process;
      if (agent === undefined) continue;
      // Signal 0 costs a tenth of a look into /proc, which is needed only now and then, to detect a reused id.
      const full = this.#sweeps % FULL_SWEEP === 0 || !isOurNamespace(agent.ns);
      if (full ? lifeOf(agent) === 'gone' : !exists(agent.pid)) void this.#checkPane(job);
    }
  }

  /** One look at the tmux server decides whether the agent is lost. */
  async #checkPane(job: LiveJob): Promise<void> {
    const session = job.record.agent_session;
    if (session === undefined || this.#stopped || !this.#begun) return;
    if (isFinal(job.record.status) || this.#checking.has(job.id) || this.#unwritten.has(job)) return;
    this.#checking.add(job.id);
    try {
      const standing = await standingOf(this.#with.servers, job.record);
      if (this.#stopped || isFinal(job.record.status)) return;
      if (standing === 'unclear') this.#lookAgain(job);
      else if (standing === 'there') await this.#backInReach(job);
      else if ('outOfReach' in standing) await this.#outOfReach(job, standing.outOfReach);
      else {
        const { type, detail } = await lossOf(this.#with.servers, job.record, standing.lost);
        await this.#conclude(job, type, `${detail}${await this.#with.unread(job)}`);
      }
    } finally {
      this.#checking.delete(job.id);
    }
  }

  #lookAgain(job: LiveJob): void {
    setTimeout(() => void this.#checkPane(job), SWEEP_MS).unref();
  }

  /** The agent may be alive, so its job goes on, but someone must be told. For a queued job, the dispatcher does that. */
  async #outOfReach(job: LiveJob, why: string): Promise<void> {
    this.#lookAgain(job);
    if (job.record.status === 'queued' || this.#isTold(job)) return;
    await this.#with.registrar.noteNow(job, 'stalled', { detail: `${OUT_OF_REACH}${why}` });
  }

  async #backInReach(job: LiveJob): Promise<void> {
    if (this.#isTold(job))
      await this.#with.registrar.noteNow(job, 'resumed', { detail: 'The pane can be reached again.' });
  }

  #isTold({ record }: LiveJob): boolean {
    return record.attention.includes('stalled') && record.detail?.startsWith(OUT_OF_REACH) === true;
  }

  async #lookForOutput(job: LiveJob, sample: PaneSample): Promise<void> {
    if (!(await this.#outputs.since(job, sample))) return;
    if (job.record.attention.includes('stalled')) {
      await this.#with.registrar.noteNow(job, 'resumed', { detail: 'Output in the pane.' });
    }
  }

  /** @param outputAt when the pane last showed something new, on the clock of all time limits */
  #arm(job: LiveJob, outputAt = NEVER): void {
    clearTimeout(this.#timers.get(job.id));
    this.#timers.delete(job.id);
    if (!this.#begun) return;
    const left = nextDeadline(job, outputAt);
    if (left === undefined) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(job.id);
        this.#atDeadline(job).catch((error) => this.#with.log.error(`deadline of ${job.id}`, error));
      },
      Math.min(Math.max(0, left), MAX_TIMER_MS),
    );
    this.#timers.set(job.id, timer);
  }

  async #atDeadline(job: LiveJob): Promise<void> {
    const { record } = job;
    if (isFinal(record.status)) return;
    if (isOver(untilTimeout(job))) {
      const detail = `It did not end within ${record.timeouts.timeout_seconds} s of being handed over.`;
      await this.#conclude(job, 'timeout', detail);
      return;
    }
    if (isOver(untilStarted(job))) {
      const detail = `Submitted, but the peer has not reported within ${START_DEADLINE_SECONDS} s. Look into the pane.`;
      await this.#conclude(job, 'delivery_unverified', detail);
      return;
    }
    if (!isOver(untilIdle(job))) {
      this.#arm(job);
      return;
    }
    const outputAt = await this.#outputs.last(job);
    const silence = Math.min(job.clock.quiet, awake.now() - outputAt) / 1000;
    if (silence >= record.timeouts.idle_timeout_seconds) {
      const background = await this.#background(record);
      const detail = `No event and no output for ${Math.round(silence)} s.${background}`;
      await this.#conclude(job, 'stalled', detail);
    } else if (!isFinal(job.record.status)) this.#arm(job, outputAt);
  }

  /** Records a conclusion; if that fails, the job is checked again later, since the conclusion may be void by then. */
  async #conclude(job: LiveJob, type: Conclusion, detail: string): Promise<void> {
    if (await this.#with.catchUp(job.id)) {
      this.resume(job);
      return;
    }
    if (isFinal(job.record.status) || this.#stopped) return;
    const recorded = await this.#with.registrar.noteNow(job, type, { detail });
    if (recorded !== undefined) this.#pause = RETRY_MS;
    else if (!this.#stopped && !isFinal(job.record.status)) this.#unwritten.add(job);
  }

  /** What the screen shows about work in the background, as a sentence. */
  async #background({ agent, agent_session: session, typing }: JobRecord): Promise<string> {
    const { background } = screenOf(agent, typing);
    if (background === undefined || session === undefined) return '';
    const lines = await capture(this.#with.servers.get(session.socket), session.pane).catch(() => []);
    const line = find(lines, background);
    return line === undefined ? '' : ` The agent has work in the background: ${line}`;
  }
}

/** The time until the next deadline, in ms. */
function nextDeadline(job: LiveJob, outputAt: number): number | undefined {
  const known = [untilTimeout(job), untilStarted(job), untilIdle(job, outputAt)].filter(
    (left) => left !== undefined,
  );
  return known.length === 0 ? undefined : Math.min(...known);
}

function isOver(left: number | undefined): boolean {
  return left !== undefined && left <= 0;
}

function untilTimeout({ record, clock }: LiveJob): number | undefined {
  if (clock.spent === undefined || isSettled(record)) return undefined;
  return record.timeouts.timeout_seconds * 1000 - clock.spent;
}

function untilStarted({ record, clock }: LiveJob): number | undefined {
  if (record.status !== 'working' || clock.spent === undefined || record.started_at !== undefined)
    return undefined;
  // Any report from the peer proves that it has the job.
  if (record.last_sign_of_life_at !== record.created_at || record.phase === 'validating') return undefined;
  if (record.agent_session === undefined) return undefined;
  return START_DEADLINE_SECONDS * 1000 - clock.spent;
}

function untilIdle({ record, clock }: LiveJob, outputAt = NEVER): number | undefined {
  if (!isAtWork(record) || record.phase === 'validating' || record.agent_session === undefined)
    return undefined;
  return record.timeouts.idle_timeout_seconds * 1000 - Math.min(clock.quiet, awake.now() - outputAt);
}
