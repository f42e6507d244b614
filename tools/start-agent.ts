import { resolve } from 'node:path';
import { z } from 'zod';
import { agentSessionSchema } from '../src/job/record.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { attachCommand } from '../src/view/attach.ts';
import { callOf } from '../src/view/call-of.ts';
import { startSummary } from '../src/view/summary.ts';

export default defineTool({
  name: 'start_agent',
  title: 'Start an agent in tmux',
  description:
    "Start a coding agent (Claude Code, Codex, Gemini CLI, OpenCode) in a new tmux session, ready for jobs, or resume its last conversation: launch a peer, worker or sub-agent that a person can attach to. It gets this server and its hooks; the user's own configuration stays as it is. " +
    'Answers when it is ready, or when it shows a dialog (trust, login) that a person has to answer: waits_for then says what to do.',
  inputSchema: z.strictObject({
    agent: z
      .string()
      .describe('Agent kind: claude-code, codex, gemini, opencode, or one of your configuration'),
    name: z
      .string()
      .optional()
      .describe("Name of the tmux session: letters, digits, - and _, at most 60. Default: its kind's own"),
    workdir: z
      .string()
      .optional()
      .describe("Folder to work in, absolute or from this server's. Default: that one"),
    resume: z
      .boolean()
      .default(false)
      .describe("Resume the agent's last conversation in that folder instead of a new one. Default: false"),
  }),
  outputSchema: z.object({
    summary: z.string(),
    agent: z.string(),
    agent_session: agentSessionSchema,
    target: z.string().describe('the agent_session to delegate to'),
    attach_command: z.string().describe('what a person types to look at it'),
    ready: z.boolean(),
    waits_for: z.string().optional().describe('what keeps it from being ready, and what to do about it'),
    peer_server: z.string().describe('connected when its own server of this kind runs, else unknown'),
    next: z.string(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  roles: ['supervisor'],

  async handle(args, { engine, caller }) {
    const { settings } = engine;
    const kind = engine.kind(args.agent);
    const started = await engine.request('start', {
      agent: kind.name,
      name: args.name ?? kind.defaultSession?.replace(/^tmux:/, ''),
      workdir: resolve(caller.cwd, args.workdir ?? '.'),
      resume: args.resume,
      terminal: kind.terminal,
      mam: settings.mamProgram,
      server_env: settings.peerEnvironment,
      env: settings.sessionEnvironment,
      tmux_socket: settings.tmuxSocket,
      path: settings.path,
    });
    const { session, ready, waits_for, peer_server } = started;
    const target = `tmux:${session.session}`;
    return {
      summary: startSummary(kind.name, target, started),
      agent: kind.name,
      agent_session: session,
      target,
      attach_command: attachCommand(session, { ...settings, inside: caller.socket }),
      ready,
      waits_for,
      peer_server,
      next: ready
        ? callOf('delegate_job', { agent: kind.name, agent_session: target })
        : 'A person has to look into the session first: see waits_for and attach_command.',
    };
  },
});
