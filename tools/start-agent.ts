import {
  namesOf,
  type StartResult,
  start,
  startParams,
  startThere,
  startView,
} from '../src/operations/agents.ts';
import { addressOf } from '../src/operations/host-address.ts';
import { defineTool } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';

export default defineTool({
  name: 'start_agent',
  title: 'Start an agent in tmux',
  description:
    'Start a coding agent (Claude Code, Codex, Gemini CLI, OpenCode) in a new tmux session, ready for jobs, or resume its last conversation: launch a peer, worker or sub-agent that a person can attach to. ' +
    'Answers when it is ready, or shows a dialog (trust, login) that a person must answer: see waits_for.',
  operation: start,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },

  async handle(args, { engine, caller }) {
    const { settings } = engine;
    const from = { ...settings, inside: caller.socket };
    const { host } = addressOf({ host: args.host }, settings);
    if (host !== undefined) {
      const there = await engine.request('ask_host', {
        host,
        command: 'start',
        params: startThere(host, args),
      });
      return withNext(startView({ agent: args.agent }, there as unknown as StartResult, from, host));
    }
    const kind = engine.kind(args.agent);
    const started = await engine.request('start', startParams(args, kind, caller.cwd, settings));
    return withNext(startView(namesOf(kind), started, from));
  },
});

function withNext(view: ReturnType<typeof startView>) {
  return {
    ...view,
    next: view.ready
      ? callOf('delegate_job', { agent: view.agent, agent_session: view.target })
      : 'A person has to look at the session first: see waits_for and attach_command.',
  };
}
