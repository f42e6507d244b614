import { KINDS } from '../../agents/index.ts';
import { commandLineOf } from '../../base/processes.ts';
import type { AgentPlace } from '../../operations/agents.ts';
import type { PaneInfo } from '../../tmux/pane.ts';
import { keyReaders } from '../../tmux/process.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/**
 * What kind of agent lives in a pane.
 * @param from.mark the kind that we have started there, by the pane's own option
 * @param from.job the job that has the pane: what it was delegated to is the last word
 */
export function agentIn(
  pane: PaneInfo,
  from: {
    mark: string | undefined;
    /** An agent that we have started lives beside it: then the session's name tells nothing of this pane. */
    hasNeighbour?: boolean;
    job: LiveJob | undefined;
    configured: NonNullable<AgentPlace['configured']>;
  },
): string | undefined {
  return (
    from.mark ||
    (runningIn(pane) ??
      (from.hasNeighbour ? undefined : livingIn(pane, from.configured)) ??
      from.job?.record.agent)
  );
}

/** By the command line of a program that reads the pane's keys, whatever it was started by. */
function runningIn(pane: PaneInfo): string | undefined {
  for (const pid of keyReaders(pane)) {
    const argv = commandLineOf(pid);
    const known = argv && KINDS.find((kind) => kind.isProcess?.(argv));
    if (known) return known.name;
  }
  return undefined;
}

/** By the session that a configured kind lives in. */
function livingIn(pane: PaneInfo, configured: NonNullable<AgentPlace['configured']>): string | undefined {
  return Object.entries(configured).find(
    ([, own]) => own.session?.replace(/^tmux:/, '') === pane.session,
  )?.[0];
}
