import { screenOf } from '../agents/index.ts';
import { isSettled } from '../job/apply.ts';
import type { JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import { isOurNamespace, lifeOf } from '../process-id.ts';
import { exists } from '../processes.ts';
import { listPanes } from '../tmux/pane.ts';
import type { PaneSample } from '../tmux/sample.ts';
import { capture, find } from '../tmux/screen.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Log } from './log.ts';
import { standingOf } from './losses.ts';
import type { Registrar } from './registrar.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** How often the agents' processes are looked at, in ms: a look is one system call, a loss must be known in 1 s. */
const SWEEP_MS = 400;
/** Every so many sweeps a process is also told from a later one with the same id. */
const FULL_SWEEP = 10;
/** A peer that has said nothing this long after submission may not have got its prompt, in seconds. */
const START_DEADLINE_SECONDS = 90;
/** The longest time setTimeout can count, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What the detail of a job begins with whose agent can't be reached. */
const OUT_OF_REACH = 'Out of reach: ';

/** Watches the open jobs' panes, processes and clocks, and records what they tell. */
export class Watcher {
  private readonly registrar: Registrar;
  private readonly servers: TmuxServers;
  private readonly log: Log;
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly checking = new Set<string>();
  /** Of windows with several panes: what the job's pane showed at its last deadline. */
  private readonly screens = new Map<string, string>();
  private sweep: NodeJS.Timeout | undefined;
  private sweeps = 0;
  private stopped = false;

  constructor(options: { registrar: Registrar; servers: TmuxServers; log: Log }) {
    this.registrar = options.registrar;
    this.servers = options.servers;
    this.log = options.log;
  }

  /** Begins to look at processes. The clocks run from the first event of each job on. */
  start(): void {
    this.sweep = setInterval(() => this.lookAtProcesses(), SWEEP_MS);
  }

  /** Looks no more: what the end of our own connections shows is no loss. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.sweep);
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  /** Watches a job that the last hub left open; its limits fire now if they passed meanwhile. */
  resume(job: LiveJob): void {
    const session = job.record.agent_session;
    // The first look opens the subscription to that server's panes.
    if (session !== undefined) void this.checkPane(job);
    this.arm(job);
  }

  onRecorded(job: LiveJob, { before, after }: Recorded): void {
    if (isFinal(after.status)) {
      clearTimeout(this.timers.get(job.id));
      this.timers.delete(job.id);
      this.screens.delete(job.id);
      return;
    }
    // Signs of life only move a deadline further away, which its timer finds out by itself.
    if (before?.status !== after.status || before.phase !== after.phase || !this.timers.has(job.id))
      this.arm(job);
  }

  /** Panes of a tmux server came, went or changed. */
  onPanes(socket: string): void {
    for (const job of this.registrar.open) {
      const session = job.record.agent_session;
      if (session?.socket !== socket) continue;
      const sample = this.servers.sample(socket, session.pane);
      if (sample === undefined || sample.dead) void this.checkPane(job);
      else if (job.record.attention.includes('stalled')) void this.lookForOutput(job, sample);
    }
  }

  private lookAtProcesses(): void {
    this.sweeps++;
    for (const job of this.registrar.open) {
      const agent = job.record.agent_process;
      if (agent === undefined) continue;
      // A signal of 0 costs a tenth of a look into /proc, which only now and then has to tell a reused id.
      const full = this.sweeps % FULL_SWEEP === 0 || !isOurNamespace(agent.ns);
      if (full ? lifeOf(agent) === 'gone' : !exists(agent.pid)) void this.checkPane(job);
    }
  }

  /** One look at the tmux server decides whether the agent is lost. */
  private async checkPane(job: LiveJob): Promise<void> {
    const session = job.record.agent_session;
    if (session === undefined || this.stopped || isFinal(job.record.status) || this.checking.has(job.id))
      return;
    this.checking.add(job.id);
    try {
      const standing = await standingOf(this.servers, job.record);
      if (this.stopped || isFinal(job.record.status)) return;
      if (standing === 'unclear') this.lookAgain(job);
      else if (standing === 'there') await this.backInReach(job);
      else if ('outOfReach' in standing) await this.outOfReach(job, standing.outOfReach);
      else {
        const nothing =
          job.record.status === 'queued' && job.record.phase === 'queued' ? ' Nothing was delivered.' : '';
        await this.registrar.note(job, 'session_lost', { detail: `${standing.lost}${nothing}` });
      }
    } finally {
      this.checking.delete(job.id);
    }
  }

  private lookAgain(job: LiveJob): void {
    setTimeout(() => void this.checkPane(job), SWEEP_MS).unref();
  }

  /** The agent may live, so its job goes on; somebody has to hear of it. While it is queued, the dispatcher tells. */
  private async outOfReach(job: LiveJob, why: string): Promise<void> {
    this.lookAgain(job);
    if (job.record.status === 'queued' || this.isTold(job)) return;
    await this.registrar.note(job, 'stalled', { detail: `${OUT_OF_REACH}${why}` });
  }

  private async backInReach(job: LiveJob): Promise<void> {
    if (this.isTold(job))
      await this.registrar.note(job, 'resumed', { detail: 'The pane is in reach again.' });
  }

  private isTold({ record }: LiveJob): boolean {
    return record.attention.includes('stalled') && record.detail?.startsWith(OUT_OF_REACH) === true;
  }

  private async lookForOutput(job: LiveJob, sample: PaneSample): Promise<void> {
    // The activity has a resolution of 1 s: output in the very second of the event may be older than it.
    if (sample.window_activity * 1000 <= job.lastEventAt) return;
    // In a split it may be a neighbour's.
    if (sample.window_panes > 1 && (await this.lastOutput(job)) <= job.lastEventAt) return;
    if (job.record.attention.includes('stalled')) {
      await this.registrar.note(job, 'resumed', { detail: 'Output in the pane.' });
    }
  }

  /** @param outputAt when the pane last showed something new, where that moves the idle clock; ms since 1970 */
  private arm(job: LiveJob, outputAt = 0): void {
    clearTimeout(this.timers.get(job.id));
    this.timers.delete(job.id);
    const due = nextDeadline(job.record, Math.max(job.lastEventAt, outputAt));
    if (due === undefined) return;
    const timer = setTimeout(
      () => {
        this.timers.delete(job.id);
        this.atDeadline(job).catch((error) => this.log.error(`deadline of ${job.id}`, error));
      },
      Math.min(Math.max(0, due - Date.now()), MAX_TIMER_MS),
    );
    this.timers.set(job.id, timer);
  }

  private async atDeadline(job: LiveJob): Promise<void> {
    const { record } = job;
    const now = Date.now();
    if (isFinal(record.status)) return;
    const limit = timeoutAt(record);
    if (limit !== undefined && limit <= now) {
      await this.registrar.note(job, 'timeout', {
        detail: `No end within ${record.timeouts.timeout_seconds} s of the submission.`,
      });
      return;
    }
    const start = startDeadline(record);
    if (start !== undefined && start <= now) {
      await this.registrar.note(job, 'delivery_unverified', {
        detail: `Submitted, but the peer has not reported within ${START_DEADLINE_SECONDS} s. Look into the pane.`,
      });
      return;
    }
    const idle = idleDeadline(record, job.lastEventAt);
    if (idle !== undefined && idle <= now) {
      const silentSince = Math.max(job.lastEventAt, await this.lastOutput(job));
      const silence = (Date.now() - silentSince) / 1000;
      if (silence >= record.timeouts.idle_timeout_seconds) {
        await this.registrar.note(job, 'stalled', {
          detail: `No event and no output for ${Math.round(silence)} s.${await this.background(record)}`,
        });
      } else if (!isFinal(job.record.status)) {
        this.arm(job, silentSince);
      }
      return;
    }
    this.arm(job);
  }

  /** What the agent shows of its work behind the input box, as a sentence. */
  private async background({ agent, agent_session: session, typing }: JobRecord): Promise<string> {
    const { background } = screenOf(agent, typing);
    if (background === undefined || session === undefined) return '';
    const lines = await capture(this.servers.get(session.socket), session.pane).catch(() => []);
    const line = find(lines, background);
    return line === undefined ? '' : ` The agent has work in the background: ${line}`;
  }

  /** When the pane last showed something new, in ms since 1970; 0 where that can't be told. */
  private async lastOutput(job: LiveJob): Promise<number> {
    const session = job.record.agent_session;
    if (session === undefined) return 0;
    const server = this.servers.get(session.socket);
    try {
      const pane = (await listPanes(server)).find((candidate) => candidate.pane === session.pane);
      if (pane === undefined) return 0;
      if (pane.window_panes === 1) return pane.window_activity * 1000;
      // tmux counts output by window: in a split, only a second look at this pane tells.
      const screen = (await capture(server, session.pane)).join('\n');
      const before = this.screens.get(job.id);
      this.screens.set(job.id, screen);
      return before === screen ? 0 : Date.now();
    } catch {
      return 0;
    }
  }
}

function nextDeadline(record: JobRecord, lastSignAt: number): number | undefined {
  const deadlines = [timeoutAt(record), startDeadline(record), idleDeadline(record, lastSignAt)];
  const known = deadlines.filter((deadline) => deadline !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function timeoutAt(record: JobRecord): number | undefined {
  if (record.submitted_at === undefined || isSettled(record)) return undefined;
  return Date.parse(record.submitted_at) + record.timeouts.timeout_seconds * 1000;
}

function startDeadline(record: JobRecord): number | undefined {
  if (record.status !== 'working' || record.submitted_at === undefined || record.started_at !== undefined)
    return undefined;
  // Any word of the peer since the submission proves that it has the job.
  if (record.last_sign_of_life_at > record.submitted_at || record.phase === 'validating') return undefined;
  if (record.agent_session === undefined) return undefined;
  return Date.parse(record.submitted_at) + START_DEADLINE_SECONDS * 1000;
}

function idleDeadline(record: JobRecord, lastEventAt: number): number | undefined {
  if (record.status !== 'working' || record.phase === 'validating' || record.agent_session === undefined)
    return undefined;
  return lastEventAt + record.timeouts.idle_timeout_seconds * 1000;
}
