import { screenOf } from '../../agents/index.ts';
import type { RecordedEvent } from '../../job/event.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import { sameLines } from '../../tmux/own-text.ts';
import { capture, classify, type Shot, shoot } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { paneKey } from './pane-owners.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** How often (ms) to look at a pane until the turn in which its job ended is over. */
const TURN_POLL_MS = 500;
/** A turn is over when the screen has been ready for this long (ms): it may look ready between two steps, too. */
const READY_MS = 1_000;
/** A program without known patterns is idle when its screen has not changed for this long (ms). */
const STILL_MS = 5_000;
/** The longest wait for the end of a turn, in ms. */
const TURN_TIMEOUT_MS = 60_000;

/** A pane whose job has ended before its agent's turn. Times by the clock of this process, in ms. */
interface Taking {
  job: LiveJob;
  session: AgentSession;
  begun: number;
  /** Since when the screen has been ready or unchanged. */
  restsSince: number | undefined;
  lines: string[];
  timer: NodeJS.Timeout | undefined;
}

/**
 * Keeps the last screen of an ended job's pane. A peer reports `completed` during its turn, before its last words: a first
 * screen is kept at once, in case the pane goes away, and another one when the turn is over.
 */
export class LastScreens {
  readonly #servers: TmuxServers;
  readonly #keep: (job: LiveJob, lines: readonly string[]) => Promise<void>;
  readonly #takings = new Map<string, Taking>();
  /** Jobs whose first screen is being taken. */
  readonly #beginning = new Set<LiveJob>();
  /** Jobs whose last screen is being written. */
  readonly #saving = new Set<LiveJob>();
  /** Called when a screen is kept. */
  readonly #ends = new Set<() => void>();

  /** @param keep writes a screen; it never throws */
  constructor(servers: TmuxServers, keep: (job: LiveJob, lines: readonly string[]) => Promise<void>) {
    this.#servers = servers;
    this.#keep = keep;
  }

  /** True while the last screen of a job is still to be taken. */
  isTaking(job: LiveJob): boolean {
    return this.#beginning.has(job) || [...this.#takings.values()].some((taking) => taking.job === job);
  }

  /** Resolves when the last screen of a job is kept, if it is to be taken. */
  async taken(job: LiveJob): Promise<void> {
    while (this.isTaking(job) || this.#saving.has(job))
      await new Promise<void>((resolve) => this.#ends.add(resolve));
  }

  /** A job has ended. Resolves when its first screen is kept. */
  async takePicture(job: LiveJob): Promise<void> {
    const { agent_session: session } = job.record;
    if (session === undefined) return;
    this.#beginning.add(job);
    try {
      const first = await this.#shootPane(session);
      if (first === undefined || !isPaneOf(job.record, first)) return;
      if (reportedItself(job.record) && !first.dead) this.#goOn(job, session, first.lines);
      await this.#savePicture(job, session, first.lines);
    } finally {
      this.#beginning.delete(job);
      this.#tell();
    }
  }

  /** The next order is about to be typed into the pane: what it shows now is the last screen of the previous job. */
  onRecorded(job: LiveJob, { type }: RecordedEvent): void {
    const session = job.record.agent_session;
    if (type !== 'pasting' || session === undefined) return;
    const taking = this.#takings.get(paneKey(session));
    if (taking !== undefined && taking.job !== job) void this.#end(taking);
  }

  forget(jobId: string): void {
    for (const [key, { job, timer }] of this.#takings) {
      if (job.id !== jobId) continue;
      clearTimeout(timer);
      this.#takings.delete(key);
    }
    this.#tell();
  }

  /** Keeps what the panes show now. */
  async stop(): Promise<void> {
    await Promise.all([...this.#takings.values()].map((taking) => this.#end(taking)));
  }

  #goOn(job: LiveJob, session: AgentSession, lines: string[]): void {
    const before = this.#takings.get(paneKey(session));
    if (before !== undefined) void this.#end(before);
    const begun = performance.now();
    const taking = { job, session, begun, restsSince: undefined, lines, timer: undefined };
    this.#takings.set(paneKey(session), taking);
    this.#lookLater(taking);
  }

  #lookLater(taking: Taking): void {
    taking.timer = setTimeout(() => void this.#lookAgain(taking), TURN_POLL_MS).unref();
  }

  async #lookAgain(taking: Taking): Promise<void> {
    const { job, session } = taking;
    const shot = await this.#shootPane(session);
    if (this.#takings.get(paneKey(session)) !== taking) return;
    const now = performance.now();
    const isItsOwn = shot !== undefined && !shot.dead && isPaneOf(job.record, shot);
    if (!isItsOwn || now - taking.begun > TURN_TIMEOUT_MS || isOver(taking, shot, now)) {
      await this.#end(taking, isItsOwn ? undefined : taking.lines);
      return;
    }
    taking.lines = shot.lines;
    this.#lookLater(taking);
  }

  /** @param known the last screen, if the pane is gone */
  async #end(taking: Taking, known?: string[]): Promise<void> {
    clearTimeout(taking.timer);
    this.#takings.delete(paneKey(taking.session));
    this.#saving.add(taking.job);
    try {
      if (known !== undefined) await this.#keep(taking.job, known);
      else await this.#savePicture(taking.job, taking.session, taking.lines);
    } finally {
      this.#saving.delete(taking.job);
      this.#tell();
    }
  }

  #tell(): void {
    for (const tell of this.#ends) tell();
    this.#ends.clear();
  }

  /** @param rows what is kept if the pane has just gone */
  async #savePicture(job: LiveJob, session: AgentSession, rows: string[]): Promise<void> {
    const lines = await capture(this.#servers.get(session.socket), session.pane).catch(() => rows);
    await this.#keep(job, lines);
  }

  #shootPane({ socket, pane }: AgentSession): Promise<Shot | undefined> {
    return shoot(this.#servers.get(socket), pane).catch(() => undefined);
  }
}

/** True for an end that the peer itself has reported, in a turn that goes on. */
function reportedItself({ status, reason }: JobRecord): boolean {
  return status === 'completed' || reason === 'agent_error' || reason === 'validation_failed';
}

function isPaneOf({ agent_process: process }: JobRecord, shot: Shot): boolean {
  return process === undefined || shot.pane_pid === process.pane_pid;
}

/** Whether the turn is over by what the screen shows, and since when it has looked so. */
function isOver(taking: Taking, { lines }: Shot, now: number): boolean {
  const { agent, typing } = taking.job.record;
  const patterns = screenOf(agent, typing);
  const isKnown = patterns.ready !== undefined;
  const rests = isKnown ? classify(lines, patterns) === 'ready' : sameLines(lines, taking.lines);
  taking.restsSince = rests ? (taking.restsSince ?? now) : undefined;
  return taking.restsSince !== undefined && now - taking.restsSince >= (isKnown ? READY_MS : STILL_MS);
}
