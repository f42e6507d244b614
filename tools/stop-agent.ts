import { stop, stopView } from '../src/operations/agents.ts';
import { defineTool } from '../src/tool/tool.ts';

export default defineTool({
  name: 'stop_agent',
  title: 'Stop an agent that was started from here',
  description:
    'Stop an agent session that was started from here: close, end or shut down a peer that is no longer needed. Its pane goes with it; its conversation is kept by the agent itself and can be resumed later. A session that a person started is never ended, nor one that has an open job: that is refused with the reason.',
  operation: stop,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },

  async handle(args, { engine }) {
    const stopped = await engine.request('stop', {
      name: args.name,
      tmux_socket: engine.settings.tmuxSocket,
    });
    return {
      ...stopView(stopped),
      next: 'Where the agent keeps conversations, start_agent with resume true takes the last one up again.',
    };
  },
});
