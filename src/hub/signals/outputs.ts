import { awake } from '../../base/awake.ts';
import { listPanes } from '../../tmux/pane.ts';
import type { PaneSample } from '../../tmux/sample.ts';
import { capture } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

/** Earlier than any reading of the clock. */
export const NEVER = Number.NEGATIVE_INFINITY;

/** The last output of a pane's window: by tmux, in seconds of the wall clock, and on the clock of all time limits. */
interface Output {
  activity: number;
  at: number;
}

/** Knows when the panes of open jobs last showed something new, on a monotonic clock. */
export class Outputs {
  readonly #servers: TmuxServers;
  readonly #seen = new Map<string, Output>();
  /** For windows with several panes: what the job's pane showed at the last look. */
  readonly #screens = new Map<string, string>();

  constructor(servers: TmuxServers) {
    this.#servers = servers;
  }

  forget(jobId: string): void {
    this.#seen.delete(jobId);
    this.#screens.delete(jobId);
  }

  /** Notes what tmux reports about a job's window. @param activity in seconds since 1970 @returns when that was */
  note(job: LiveJob, activity: number): number {
    const before = this.#seen.get(job.id);
    if (before?.activity === activity) return before.at;
    // A change since the last look came after it; at the first look only the wall clock says when.
    const age = Math.max(0, Date.now() - activity * 1000);
    const at = Math.max(before?.at ?? NEVER, awake.now() - age);
    this.#seen.set(job.id, { activity, at });
    return at;
  }

  /** True when a job's pane has shown something since the job's last event. */
  async since(job: LiveJob, sample: PaneSample): Promise<boolean> {
    const at = this.note(job, sample.window_activity);
    // The activity has a resolution of 1 s: output in the same second as the event may be older.
    if (at <= job.clock.spokenAt) return false;
    // In a split window the output may be another pane's.
    return sample.window_panes === 1 || (await this.last(job)) > job.clock.spokenAt;
  }

  /** When the pane last showed something new, on the clock of all time limits; `NEVER` if unknown. */
  async last(job: LiveJob): Promise<number> {
    const session = job.record.agent_session;
    if (session === undefined) return NEVER;
    const server = this.#servers.get(session.socket);
    try {
      const pane = (await listPanes(server)).find((candidate) => candidate.pane === session.pane);
      if (pane === undefined) return NEVER;
      if (pane.window_panes === 1) return this.note(job, pane.window_activity);
      // tmux counts output by window: in a split window, only a second look at this pane shows it.
      const screen = (await capture(server, session.pane)).join('\n');
      const before = this.#screens.get(job.id);
      this.#screens.set(job.id, screen);
      return before === screen ? NEVER : awake.now();
    } catch {
      return NEVER;
    }
  }
}
