import type { AgentRow } from '../job/request.ts';
import { cleanLine } from '../job/text.ts';
import { attachCommand, type Standpoint } from './attach.ts';

/** How much of what a screen shows stands in a row, in characters. */
const EVIDENCE_CHARS = 200;

/** Live agents and kinds that nothing runs, for an answer. */
export function agentsView(agents: readonly AgentRow[], from: Standpoint) {
  return agents.map(({ session, evidence, state, default_session: _, ...row }) => ({
    ...row,
    state: state ?? 'not_running',
    ...(evidence !== undefined && { evidence: cleanLine(evidence, EVIDENCE_CHARS) }),
    ...(session !== undefined && {
      agent_session: session,
      target: `tmux:${session.pane}`,
      attach_command: attachCommand(session, from),
    }),
  }));
}
