import { existsSync } from 'node:fs';
import { isOurNamespace } from '../../base/process-id.ts';
import { realPlace } from '../../base/real-place.ts';
import type { Origin } from '../../job/claim.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** Where the sockets really lie. It is asked with every event, and no tmux server moves. */
const places = new Map<string, string>();

/** A pane's identity over all tmux servers, by whatever path its server's socket is named. */
export function paneKey({ socket, pane }: Pick<AgentSession, 'socket' | 'pane'>): string {
  let place = places.get(socket);
  if (place === undefined) {
    place = realPlace(socket);
    // One that is not there yet may come as a link.
    if (existsSync(socket)) places.set(socket, place);
  }
  return `${place}\n${pane}`;
}

/** Which job a pane has. Knows the pane's first process, so that an environment handed on proves nothing. */
export class PaneOwners {
  readonly #open: () => LiveJob[];

  constructor(open: () => LiveJob[]) {
    this.#open = open;
  }

  /**
   * The job that the publisher's own pane holds, where the pane is proven: TMUX_PANE alone is not enough, since a
   * shared background process (Codex has one) hands the first pane's on to all others.
   */
  openJobOf(origin: Origin | undefined): LiveJob | undefined {
    if (origin?.pane === undefined || origin.socket === undefined) return undefined;
    const key = paneKey({ socket: origin.socket, pane: origin.pane });
    const pids = pidsOf(origin);
    return this.#open().find(({ record }) => {
      const { agent_session: session, agent_process: agent } = record;
      if (session === undefined || paneKey(session) !== key || !holds(record)) return false;
      return agent !== undefined && pids.includes(agent.pid);
    });
  }

  /**
   * The job whose agent delegates: of the caller's own ancestors the nearest that holds one. A caller that was told
   * nothing of its pane is known by them as well; one that runs apart from its agent (Codex's background process) is not.
   */
  parentOf(origin: Origin | undefined): LiveJob | undefined {
    const pids = pidsOf(origin);
    const place = ({ record }: LiveJob) => pids.indexOf(record.agent_process?.pid ?? -1);
    const [nearest] = this.#open()
      .filter((job) => holds(job.record) && place(job) >= 0)
      .sort((a, b) => place(a) - place(b));
    return nearest;
  }

  /** True when a job waits in the very pane that another one holds: its early report is welcome. */
  isQueuedIn(job: LiveJob, holder: LiveJob): boolean {
    const [a, b] = [job.record.agent_session, holder.record.agent_session];
    return a === undefined || b === undefined || paneKey(a) === paneKey(b);
  }
}

/** The caller and its ancestors; none where their ids count in another pid namespace, such as a container's. */
export function pidsOf(origin: Origin | undefined): number[] {
  return origin?.pids !== undefined && isOurNamespace(origin.ns) ? origin.pids : [];
}

/** True while a job occupies its pane: from the paste on until it is final. */
function holds(record: JobRecord): boolean {
  return !isFinal(record.status) && (record.status !== 'queued' || record.phase !== 'queued');
}
