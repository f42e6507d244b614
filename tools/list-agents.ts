import { agentPlace, agents, agentsView } from '../src/operations/agents.ts';
import { defineTool } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';

export default defineTool({
  name: 'list_agents',
  title: 'List agents and what they are doing',
  description:
    'List the coding agents that jobs can be delegated to: every live agent in a tmux pane with its kind, its session and whether it is idle, busy or blocked by a dialog or a draft, and the agent kinds that can be started. ' +
    'Use it to choose a peer, worker or sub-agent before delegating, or to see why one is stuck.',
  operation: agents,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },

  async handle(_, { engine, caller }) {
    const { settings } = engine;
    const found = await engine.request('agents', agentPlace(settings));
    const own = (pane: string | undefined): boolean =>
      pane !== undefined && pane === caller.pane && caller.socket === settings.tmuxSocket;
    const others = found.agents.filter(({ session }) => !own(session?.pane));
    return agentsView(
      others,
      { ...settings, inside: caller.socket },
      {
        delegate: 'Call delegate_job with the agent of a row, and its target as agent_session.',
        start: (agent) => callOf('start_agent', { agent }),
        none: 'None of these kinds is installed where this server looks (its PATH), so none can be started. Delegate to a program that runs in tmux with agent "command" and its agent_session, or to a person with agent "human"; or ask the person to install one.',
      },
    );
  },
});
