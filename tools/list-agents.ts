import { type AgentsAnswer, agentPlace, agents, agentsView } from '../src/operations/agents.ts';
import { addressOf } from '../src/operations/host-address.ts';
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

  async handle(args, { engine, caller }) {
    const { settings } = engine;
    const from = { ...settings, inside: caller.socket };
    const { host } = addressOf({ host: args.host }, settings);
    if (host !== undefined) {
      const there = (await engine.request('ask_host', {
        host,
        command: 'agents',
        params: {},
      })) as unknown as AgentsAnswer;
      return agentsView(there.agents, from, sayOn(host), host);
    }
    const found = await engine.request('agents', agentPlace(settings));
    const own = (pane: string | undefined): boolean =>
      pane !== undefined && pane === caller.pane && caller.socket === settings.tmuxSocket;
    const others = found.agents.filter(({ session }) => !own(session?.pane));
    return agentsView(others, from, {
      delegate: 'Call delegate_job with the agent of a row, and its target as agent_session.',
      start: (agent) => callOf('start_agent', { agent }),
      none: 'None of these kinds is installed where this server looks (its PATH), so none can be started. Delegate to a program that runs in tmux with agent "command" and its agent_session, or to a person with agent "human"; or ask the person to install one.',
    });
  },
});

/** The next step for agents on another host. */
function sayOn(host: string) {
  return {
    delegate: 'Call delegate_job with the agent of a row, and its target as agent_session.',
    start: (agent: string) => callOf('start_agent', { agent, host }),
    none: `None of these kinds is installed on ${host}: choose another host, or have a person install one there.`,
  };
}
