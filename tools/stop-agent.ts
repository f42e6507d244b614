import { type StopResult, stop, stopView } from '../src/operations/agents.ts';
import { addressOf } from '../src/operations/host-address.ts';
import { defineTool } from '../src/tool/tool.ts';

const NEXT = 'If the agent keeps conversations, start_agent with resume true resumes the last one.';

export default defineTool({
  name: 'stop_agent',
  title: 'Stop an agent that mam started',
  description:
    'Stop an agent session that mam started: close, end or shut down a peer that is no longer needed. Its pane is closed too; its conversation is kept by the agent itself and can be resumed later. A session that a person started, or one with an open job, is never ended: the call is refused with the reason.',
  operation: stop,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },

  async handle(args, { engine }) {
    const { host, session: name = args.name } = addressOf(
      { host: args.host, session: args.name },
      engine.settings,
      'name',
    );
    if (host !== undefined) {
      const there = await engine.request('ask_host', { host, command: 'stop', params: { name } });
      return { ...stopView(there as unknown as StopResult, host), next: NEXT };
    }
    const stopped = await engine.request('stop', {
      name,
      tmux_socket: engine.settings.tmuxSocket,
    });
    return {
      ...stopView(stopped),
      next: NEXT,
    };
  },
});
