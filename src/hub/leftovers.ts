import { builtIn, lookFor } from '../agents/index.ts';
import type { AgentSession } from '../job/record.ts';
import type { Target } from '../tmux/deliver.ts';
import { clearOwnText, standsAtCursor } from '../tmux/recover.ts';
import type { LiveJob } from './live-job.ts';
import type { Log } from './log.ts';
import { orderText } from './order-text.ts';
import { paneKey } from './pane-owners.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** The texts of cancelled jobs that were pasted and never submitted: another job's Enter would submit them as well. */
export class Leftovers {
  private readonly servers: TmuxServers;
  private readonly log: Log;
  /** Of each pane: the job whose text may stand in its input box. */
  private readonly jobs = new Map<string, string>();

  constructor({ servers, log }: { servers: TmuxServers; log: Log }) {
    this.servers = servers;
    this.log = log;
  }

  /** Takes a cancelled job's text out of the input box, where its kind has a key for that and the text is there. */
  async leave({ id, record, paths }: LiveJob): Promise<void> {
    const { agent_session: session, agent_process: agent, typing } = record;
    if (session === undefined) return;
    this.jobs.set(paneKey(session), id);
    const clearKey = typing?.clear ?? builtIn(record.agent)?.clearKey;
    if (agent === undefined || typing === undefined || clearKey === undefined) return;
    const target: Target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
    const { patterns } = lookFor(record);
    try {
      const text = orderText(record, paths.prompt);
      await clearOwnText(this.servers.get(session.socket), target, text, clearKey, patterns);
    } catch (error) {
      this.log.error(`the text of ${id} was not cleared`, error);
    }
  }

  /** The cancelled job whose text stands in a pane's input box now. @throws MamError when tmux does not answer */
  async standingIn(session: AgentSession): Promise<string | undefined> {
    const key = paneKey(session);
    const left = this.jobs.get(key);
    if (left === undefined) return undefined;
    if (await standsAtCursor(this.servers.get(session.socket), session.pane, left)) return left;
    this.jobs.delete(key);
    return undefined;
  }
}
