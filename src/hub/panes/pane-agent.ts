import { KINDS, layersOf } from '../../agents/index.ts';
import { orElse } from '../../base/or-else.ts';
import { commandLineOf } from '../../base/processes.ts';
import type { AgentPlace } from '../../operations/agents.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import { keyReaders } from '../../tmux/process.ts';
import type { LiveJob } from '../jobs/live-job.ts';

type Configured = NonNullable<AgentPlace['configured']>;

/** What kind of agent runs in a pane: as started by us, else as seen, else as its job says. */
export function agentIn(
  pane: PaneInfo,
  from: {
    /** An agent that we have started runs next to it, so the session's name says nothing about this pane. */
    hasNeighbour?: boolean;
    job: LiveJob | undefined;
    configured: Configured;
  },
): string | undefined {
  const byName = () => (from.hasNeighbour ? undefined : configuredIn(pane, from.configured));
  return pane.started ?? runningIn(pane) ?? byName() ?? from.job?.record.agent;
}

/** The kind by the command line of a program that reads the pane's keys, whatever has started it. */
function runningIn(pane: PaneInfo): string | undefined {
  for (const pid of keyReaders(pane)) {
    const argv = commandLineOf(pid);
    const known = argv && KINDS.find((kind) => kind.isProcess?.(argv));
    if (known) return known.name;
  }
  return undefined;
}

/** The configured kind whose session this is; of a profile, the kind that it extends. */
function configuredIn({ session }: PaneInfo, configured: Configured): string | undefined {
  const isIts = (kind: string) => configured[kind]?.session?.replace(/^tmux:/, '') === session;
  const name = Object.keys(configured).find(isIts);
  return name === undefined ? undefined : orElse(() => layersOf(name, configured).base, undefined);
}
