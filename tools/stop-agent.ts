import { stop, stopView } from '../src/operations/agents.ts';
import { defineTool } from '../src/tool/tool.ts';

export default defineTool({
  name: 'stop_agent',
  title: 'Stop an agent that mam started',
  description:
    'Stop an agent session that mam started: close, end or shut down a peer that is no longer needed. Its pane is closed too; its conversation is kept by the agent itself and can be resumed later. A session that a person started, or one with an open job, is never ended: the call is refused with the reason.',
  operation: stop,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },

  async handle(args, { engine }) {
    const stopped = await engine.request('stop', {
      name: args.name,
      tmux_socket: engine.settings.tmuxSocket,
    });
    return {
      ...stopView(stopped),
      next: 'If the agent keeps conversations, start_agent with resume true resumes the last one.',
    };
  },
});
