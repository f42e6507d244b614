import { screenOf } from '../agents/index.ts';
import { MamError } from '../errors.ts';
import { isSettled } from '../job/apply.ts';
import type { JobRecord } from '../job/record.ts';
import { cleanLine } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import { exists, family, foregroundGroup } from '../processes.ts';
import { listPanes, type PaneInfo } from '../tmux/pane.ts';
import { isAlive, isShell } from '../tmux/process.ts';
import type { PaneSample } from '../tmux/sample.ts';
import { capture, find } from '../tmux/screen.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Log } from './log.ts';
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
      const lives = this.sweeps % FULL_SWEEP === 0 ? isAlive(agent) : exists(agent.pid);
      if (!lives) void this.checkPane(job);
    }
  }

  /** One look at the tmux server decides whether the agent is lost. */
  private async checkPane(job: LiveJob): Promise<void> {
    const session = job.record.agent_session;
    if (session === undefined || this.stopped || isFinal(job.record.status) || this.checking.has(job.id))
      return;
    this.checking.add(job.id);
    try {
      const panes = await this.panesOf(session.socket);
      if (this.stopped) return;
      if (panes === undefined) {
        setTimeout(() => void this.checkPane(job), SWEEP_MS).unref();
        return;
      }
      const why = lossOf(job.record, panes);
      if (why === undefined || isFinal(job.record.status)) return;
      const nothing =
        job.record.status === 'queued' && job.record.phase === 'queued' ? ' Nothing was delivered.' : '';
      await this.registrar.note(job, 'session_lost', { detail: `${why}${nothing}` });
    } finally {
      this.checking.delete(job.id);
    }
  }

  /** The panes of a tmux server, none when it is gone; nothing when it can't be asked now, which proves no loss. */
  private async panesOf(socket: string): Promise<PaneInfo[] | undefined> {
    try {
      return await listPanes(this.servers.get(socket));
    } catch (error) {
      return error instanceof MamError && error.code === 'not_found' ? [] : undefined;
    }
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

/** Why a job's agent is lost, or nothing when it is there. */
function lossOf(record: JobRecord, panes: PaneInfo[]): string | undefined {
  const session = record.agent_session;
  const agent = record.agent_process;
  if (session === undefined) return undefined;
  const pane = panes.find((candidate) => candidate.pane === session.pane);
  if (pane === undefined) return `Pane ${session.pane} of session ${session.session} is gone.`;
  if (pane.dead) return `The program in pane ${session.pane} has ended; the pane is dead.`;
  if (agent === undefined || isAlive(agent)) return undefined;
  const now = inFront(pane, agent.pid);
  return `The agent in pane ${session.pane} has ended (process ${agent.pid})${now}.`;
}

/** What has the pane after its agent, by the system: tmux goes on naming what has ended for a moment. */
function inFront({ pane_pid }: PaneInfo, ended: number): string {
  const front = foregroundGroup(pane_pid);
  const names = family(pane_pid).find(({ pid }) => pid === front && pid !== ended)?.names;
  if (names === undefined) return '';
  return names.some(isShell)
    ? '; a shell is in the pane now'
    : `; ${cleanLine(names[0] ?? '', 60)} is in the pane now`;
}
