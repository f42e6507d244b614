import { resolve } from 'node:path';
import { z } from 'zod';
import { MamError } from '../src/base/errors.ts';
import { hasLoneSurrogate } from '../src/base/text.ts';
import { LIMITS } from '../src/job/limits.ts';
import { delegationSchema } from '../src/mcp/tool/delegation.ts';
import { defineTool } from '../src/mcp/tool/tool.ts';
import { DEFAULTS, delegateParams } from '../src/operations/delegation.ts';
import { callOf } from '../src/view/call-of.ts';
import { delegationView, previewView } from '../src/view/delegation.ts';
import { attentionStep, finalStep } from '../src/view/next-step.ts';

const inputSchema = z.strictObject({
  prompt: z
    .string()
    .refine((text) => text.trim() !== '', 'is empty')
    .refine(
      (text) => Buffer.byteLength(text) <= LIMITS.promptBytes,
      'is longer than 1 MiB: put the text into a file and name the file',
    )
    .refine((text) => !hasLoneSurrogate(text), 'holds half a surrogate pair, so it is no valid Unicode text')
    .describe('The task, complete in itself: the peer sees nothing of this conversation. At most 1 MiB'),
  agent: z
    .string()
    .default(DEFAULTS.agent)
    .describe(
      'Agent kind: claude-code, codex, gemini, opencode, human (a person; nothing is typed), command (any program in raw mode), or one of your configuration. Default: claude-code',
    ),
  agent_session: z
    .string()
    .optional()
    .describe(
      "Where the agent lives: tmux:NAME, tmux:NAME:WINDOW.PANE or tmux:%3. Default: its kind's own (tmux:claude, tmux:codex, tmux:gemini, tmux:opencode); command has none",
    ),
  trust_pane: z
    .boolean()
    .default(false)
    .describe('true: an agent reads what is typed there, even through ssh or a container. Default: false'),
  workdir: z
    .string()
    .optional()
    .describe("Folder to work in, absolute or from this server's. Default: that one"),
  timeout_seconds: z
    .number()
    .min(1)
    .max(LIMITS.timeoutSeconds)
    .default(DEFAULTS.timeoutSeconds)
    .describe('Seconds after which the job fails with reason timeout, 1 to 604800. Default: 3600'),
  idle_timeout_seconds: z
    .number()
    .min(1)
    .max(LIMITS.timeoutSeconds)
    .default(DEFAULTS.idleTimeoutSeconds)
    .describe('Seconds of silence after which it needs you with reason stalled, 1 to 604800. Default: 120'),
  validate: z
    .string()
    .optional()
    .describe(
      'Script that decides whether completed counts: exit code 0 passes. It gets JOB_ID, REGISTRY_DIR and MAM_JOB_DIR. Default: none',
    ),
  validate_rounds: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe("How often a failed script's output goes back to the peer, 0 to 10. Default: 0"),
  validate_timeout_seconds: z
    .number()
    .min(1)
    .max(LIMITS.timeoutSeconds)
    .default(DEFAULTS.validateTimeoutSeconds)
    .describe('Seconds that the script may run, 1 to 604800. Default: 600'),
  on_busy: z
    .enum(['queue', 'refuse'])
    .default('queue')
    .describe('When the agent is busy: wait, or fail at once. Default: queue'),
  start: z
    .boolean()
    .default(false)
    .describe('Start the agent when its tmux session is missing. Default: false'),
  request_key: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      "Your own key, 1 to 200 characters: a repeat in your session or pane gives the same job. Default: the client's call id",
    ),
  notify: z
    .enum(['none', 'pane'])
    .default('none')
    .describe(
      'pane: when the job ends or needs you and you do not wait, a line in your own tmux pane once you are idle. Default: none',
    ),
  dry_run: z
    .boolean()
    .default(false)
    .describe('Only show what this call would do, or refuse. Default: false'),
});

export default defineTool({
  name: 'delegate_job',
  title: 'Delegate a job to another agent',
  description:
    'Delegate a job to another agent: hand a task over to a peer (Claude Code, Codex, Gemini CLI, OpenCode, a person, any terminal program) that lives in a tmux session, and let it work in the background, in parallel with you. ' +
    "Types a short order into the agent's pane and answers within 5 seconds with the job id and a delivery receipt. " +
    'The job goes on whatever happens to this call. Use it to spawn, assign or offload work to a worker or sub-agent that a person can watch.',
  inputSchema,
  outputSchema: delegationSchema,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  meta: { 'anthropic/alwaysLoad': true },
  roles: ['supervisor'],

  async handle(args, context) {
    const { engine, caller } = context;
    const { settings } = engine;
    const kind = engine.kind(args.agent);
    const session = args.agent_session ?? kind.defaultSession;
    if (session === undefined && !kind.isHuman) {
      throw new MamError(
        'bad_input',
        `Agent kind ${kind.name} has no session of its own.`,
        'Give agent_session: tmux:NAME, or tmux:%3 for a pane.',
      );
    }
    const workdir = resolve(caller.cwd, args.workdir ?? '.');
    const validate = args.validate === undefined ? undefined : resolve(caller.cwd, args.validate);
    const params = delegateParams(
      {
        prompt: args.prompt,
        agent: kind.name,
        agent_session: session,
        trust_pane: args.trust_pane,
        workdir,
        timeout_seconds: args.timeout_seconds,
        idle_timeout_seconds: args.idle_timeout_seconds,
        validate,
        validate_rounds: args.validate_rounds,
        validate_timeout_seconds: args.validate_timeout_seconds,
        start: args.start,
        notify: args.notify === 'pane',
        on_busy: args.on_busy,
        request_key: args.request_key ?? (context.callId && `call:${context.callId}`),
      },
      settings,
      {
        terminal: kind.terminal,
        supervisor: {
          client: caller.clientName,
          session: caller.session,
          pane: caller.pane,
          socket: caller.socket,
          place: caller.place,
          ...(caller.channel && { channel: true }),
        },
        origin: { pane: caller.pane, socket: caller.socket, pids: caller.pids, ns: caller.ns },
      },
    );
    const from = { ...settings, inside: caller.socket };
    if (args.dry_run) {
      const shown = previewView(await engine.request('preview', params), session, from);
      const again = 'Call delegate_job again with dry_run false to delegate the job; it will get another id.';
      return { ...shown, next: shown.repeated ? callOf('wait_job', { job_id: shown.job_id }) : again };
    }
    const result = await engine.request('delegate', params);
    const view = delegationView(result, from);
    const kept = attentionStep(result.record, () => view.attach_command);
    if (view.status === 'failed') return { ...view, next: finalStep([result.record]) };
    const wait = callOf('wait_job', { job_id: view.job_id });
    const told =
      'You may end your turn: a line in your pane tells you when the job ends or needs you. Or wait: ';
    const then = `${args.notify === 'pane' ? told : ''}${wait}`;
    return { ...view, next: kept === '' ? then : `${kept} Then: ${then}` };
  },
});
