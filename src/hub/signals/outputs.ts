import { awake } from '../../base/awake.ts';
import { listPanes } from '../../tmux/pane.ts';
import type { PaneSample } from '../../tmux/sample.ts';
import { capture } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

/** Before all readings of the clock. */
export const NEVER = Number.NEGATIVE_INFINITY;

/** An output of a pane's window: when by tmux, in seconds of the wall clock, and when on the clock of all limits. */
interface Output {
  activity: number;
  at: number;
}

/** When the panes of open jobs last showed something new, on a monotonic clock. */
export class Outputs {
  readonly #servers: TmuxServers;
  readonly #seen = new Map<string, Output>();
  /** Of windows with several panes: what the job's pane showed at the last look. */
  readonly #screens = new Map<string, string>();

  constructor(servers: TmuxServers) {
    this.#servers = servers;
  }

  forget(jobId: string): void {
    this.#seen.delete(jobId);
    this.#screens.delete(jobId);
  }

  /** Notes what tmux reports of a job's window. @param activity in seconds since 1970 @returns when that was */
  note(job: LiveJob, activity: number): number {
    const before = this.#seen.get(job.id);
    if (before?.activity === activity) return before.at;
    // What changed since the last look came after it; of the first one only the wall clock tells.
    const age = Math.max(0, Date.now() - activity * 1000);
    const at = Math.max(before?.at ?? NEVER, awake.now() - age);
    this.#seen.set(job.id, { activity, at });
    return at;
  }

  /** True when a job's pane has shown something since the job's last event. */
  async since(job: LiveJob, sample: PaneSample): Promise<boolean> {
    const at = this.note(job, sample.window_activity);
    // The activity has a resolution of 1 s: output in the very second of the event may be older than it.
    if (at <= job.clock.spokenAt) return false;
    // In a split it may be a neighbour's.
    return sample.window_panes === 1 || (await this.last(job)) > job.clock.spokenAt;
  }

  /** When the pane last showed something new, on the clock of all limits; `NEVER` where that can't be told. */
  async last(job: LiveJob): Promise<number> {
    const session = job.record.agent_session;
    if (session === undefined) return NEVER;
    const server = this.#servers.get(session.socket);
    try {
      const pane = (await listPanes(server)).find((candidate) => candidate.pane === session.pane);
      if (pane === undefined) return NEVER;
      if (pane.window_panes === 1) return this.note(job, pane.window_activity);
      // tmux counts output by window: in a split, only a second look at this pane tells.
      const screen = (await capture(server, session.pane)).join('\n');
      const before = this.#screens.get(job.id);
      this.#screens.set(job.id, screen);
      return before === screen ? NEVER : awake.now();
    } catch {
      return NEVER;
    }
  }
}
