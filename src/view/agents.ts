import { cleanAll, cleanLine } from '../base/text.ts';
import type { AgentRow } from '../operations/agent-request.ts';
import { attachCommand, type Standpoint } from './attach.ts';

/** How much of what a screen shows stands in a row, in characters. */
const EVIDENCE_CHARS = 200;

/** Live agents and kinds that nothing runs, for an answer, their texts made harmless. */
export function agentsView(agents: readonly AgentRow[], from: Standpoint) {
  const rows = agents.map(({ session, evidence, ...row }) => ({
    ...row,
    state: stateOf({ session, ...row }),
    ...(evidence !== undefined && { evidence: cleanLine(evidence, EVIDENCE_CHARS) }),
    ...(session !== undefined && {
      agent_session: session,
      target: `tmux:${session.pane}`,
      attach_command: attachCommand(session, from),
    }),
  }));
  return cleanAll(rows);
}

/** The state of a live agent, or whether a kind that nothing runs could be started. */
export function stateOf({ session, state, program }: AgentRow): string {
  if (session !== undefined) return state ?? 'unknown';
  return program === undefined ? 'not_installed' : 'not_running';
}

/**
 * What to do with such a list.
 * @param say how the next step is written: with an agent that lives, with a kind that can be started, or with neither
 */
export function agentsNext(
  agents: readonly AgentRow[],
  say: { delegate: string; start: (kind: string) => string; none: string },
): string {
  if (agents.some(({ session }) => session !== undefined)) return say.delegate;
  const kind = agents.find((row) => stateOf(row) === 'not_running')?.agent;
  return kind === undefined ? say.none : say.start(kind);
}
