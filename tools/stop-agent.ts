import { z } from 'zod';
import { agentSessionSchema } from '../src/job/record.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { stopSummary } from '../src/view/summary.ts';

export default defineTool({
  name: 'stop_agent',
  title: 'Stop an agent that was started from here',
  description:
    'Stop an agent session that was started from here: close, end or shut down a peer that is no longer needed. Its pane goes with it; its conversation is kept by the agent itself and can be resumed later. A session that a person started is never ended, nor one that has an open job: that is refused with the reason.',
  inputSchema: z.strictObject({
    name: z.string().describe('Where it lives: tmux:NAME, or tmux:%3 for a pane'),
  }),
  outputSchema: z.object({
    summary: z.string(),
    agent_session: agentSessionSchema,
    stopped: z.boolean(),
    next: z.string(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  roles: ['supervisor'],

  async handle(args, { engine }) {
    const { session, stopped } = await engine.request('stop', {
      name: args.name,
      tmux_socket: engine.settings.tmuxSocket,
    });
    return {
      summary: stopSummary(session.session),
      agent_session: session,
      stopped,
      next: 'Where the agent keeps conversations, start_agent with resume true takes the last one up again.',
    };
  },
});
