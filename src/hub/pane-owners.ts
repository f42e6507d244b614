import type { Origin } from '../job/event.ts';
import type { AgentSession, JobRecord } from '../job/record.ts';
import { isFinal } from '../job/words.ts';
import type { LiveJob } from './live-job.ts';

/** A pane's identity over all tmux servers. */
export function paneKey(session: Pick<AgentSession, 'socket' | 'pane'>): string {
  return `${session.socket}\n${session.pane}`;
}

/** Which job a pane has. Knows the pane's first process, so that an environment handed on proves nothing. */
export class PaneOwners {
  private readonly open: () => LiveJob[];

  constructor(open: () => LiveJob[]) {
    this.open = open;
  }

  /**
   * The job that the publisher's own pane holds, where the pane is proven: TMUX_PANE alone is not enough, since a
   * shared background process (Codex has one) hands the first pane's on to all others.
   */
  openJobOf(origin: Origin | undefined): LiveJob | undefined {
    if (origin?.pane === undefined || origin.socket === undefined) return undefined;
    const key = paneKey({ socket: origin.socket, pane: origin.pane });
    const pids = origin.pids ?? [];
    return this.open().find(({ record }) => {
      const { agent_session: session, agent_process: agent } = record;
      if (session === undefined || paneKey(session) !== key || !holds(record)) return false;
      return agent !== undefined && pids.includes(agent.pid);
    });
  }

  /** True when a job waits in the very pane that another one holds: its early report is welcome. */
  isQueuedIn(job: LiveJob, holder: LiveJob): boolean {
    const [a, b] = [job.record.agent_session, holder.record.agent_session];
    return a === undefined || b === undefined || paneKey(a) === paneKey(b);
  }
}

/** True while a job occupies its pane: from the paste on until it is final. */
function holds(record: JobRecord): boolean {
  return !isFinal(record.status) && (record.status !== 'queued' || record.phase !== 'queued');
}
