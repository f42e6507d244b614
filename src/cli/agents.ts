import { cleanLine } from '../base/text.ts';
import { type AgentRow, agentPlace, agentsView, stateOf } from '../operations/agents.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { tableText } from './core/table.ts';
import { withHub } from './jobs/with-hub.ts';

const EVIDENCE_CHARS = 60;

export default defineCommand({
  about: ['Lists the agents in tmux panes with what each is doing, and the agent kinds that can be started.'],
  options: {},
  json: { tool: 'list_agents' },
  exits: { done: 'done' },
  examples: ['mam agents'],

  run: ({ registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const { agents } = await ask('agents', agentPlace(settings));
      const next = {
        delegate: 'mam submit --help',
        start: (kind: string) => `mam start ${kind}`,
        none: 'mam submit --help',
      };
      return printAnswer(
        json,
        agentsView(agents, { ...settings, inside: settings.paneSocket }, next),
        tableText(['AGENT', 'SESSION', 'STATE'], agents.map(cells), { whole: true }),
      );
    }),
});

function cells(row: AgentRow): string[] {
  const { agent, session, evidence, jobs, peer_server: peer } = row;
  const state = stateOf(row);
  if (session === undefined) {
    return [agent, '-', state === 'not_installed' ? 'not installed' : `not running; mam start ${agent}`];
  }
  const words = evidence === undefined ? '' : `  ${cleanLine(evidence, EVIDENCE_CHARS)}`;
  const server = peer === 'connected' ? '' : '  (no mam server)';
  const held = jobs.length === 0 ? '' : `  job ${jobs.join(', ')}`;
  return [agent, `tmux:${session.session} ${session.pane}`, `${state}${held}${server}${words}`];
}
