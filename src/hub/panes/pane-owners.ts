import { existsSync } from 'node:fs';
import { isOurNamespace } from '../../base/process-id.ts';
import { realPlace } from '../../base/real-place.ts';
import type { Origin } from '../../job/claim.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** The real paths of sockets, cached because every event needs one, and no tmux server moves. */
const places = new Map<string, string>();

/** Identifies a pane among all tmux servers, by whatever path its server's socket is named. */
export function paneKey({ socket, pane }: Pick<AgentSession, 'socket' | 'pane'>): string {
  const place = places.get(socket) ?? realPlace(socket);
  // A socket that does not exist yet may become a link.
  if (!places.has(socket) && existsSync(socket)) places.set(socket, place);
  return `${place}\n${pane}`;
}

/** Finds the job that a pane has by the pane's processes: an inherited environment proves nothing. */
export class PaneOwners {
  readonly #open: () => LiveJob[];

  constructor(open: () => LiveJob[]) {
    this.#open = open;
  }

  /**
   * The job that the publisher's own pane holds, if the pane is proven: TMUX_PANE alone is not enough, since a shared
   * background process (Codex has one) passes the first pane's on to all others.
   */
  openJobOf(origin: Origin | undefined): LiveJob | undefined {
    if (origin?.pane === undefined || origin.socket === undefined) return undefined;
    const key = paneKey({ socket: origin.socket, pane: origin.pane });
    const pids = pidsOf(origin);
    return this.#open().find(({ record }) => {
      const { agent_session: session, agent_process: agent } = record;
      if (session === undefined || agent === undefined || !holds(record)) return false;
      return paneKey(session) === key && pids.includes(agent.pid);
    });
  }

  /**
   * The job whose agent delegates: that of the caller's nearest ancestor with a job. This finds a caller that does not know
   * its pane, but not one that runs apart from its agent (Codex's background process).
   */
  parentOf(origin: Origin | undefined): LiveJob | undefined {
    const pids = pidsOf(origin);
    const place = ({ record }: LiveJob) => pids.indexOf(record.agent_process?.pid ?? -1);
    const [nearest] = this.#open()
      .filter((job) => holds(job.record) && place(job) >= 0)
      .sort((a, b) => place(a) - place(b));
    return nearest;
  }

  /** True when a job waits in the pane that another one holds: its early report is welcome. */
  isQueuedIn(job: LiveJob, holder: LiveJob): boolean {
    const [a, b] = [job.record.agent_session, holder.record.agent_session];
    return a === undefined || b === undefined || paneKey(a) === paneKey(b);
  }
}

/** The caller and its ancestors; none if their ids are of another pid namespace, such as a container's. */
export function pidsOf(origin: Origin | undefined): number[] {
  return origin?.pids !== undefined && isOurNamespace(origin.ns) ? origin.pids : [];
}

/** True while a job has its pane: from the paste until it is final. */
function holds(record: JobRecord): boolean {
  return !isFinal(record.status) && (record.status !== 'queued' || record.phase !== 'queued');
}
