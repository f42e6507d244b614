import { type DelegateParams, delegate, delegateParams } from '../src/operations/delegate.ts';
import { type DelegateToParams, delegateToParams } from '../src/operations/delegate-to.ts';
import { delegationView, previewView } from '../src/operations/delegation-view.ts';
import { addressOf } from '../src/operations/host-address.ts';
import { defineTool, type Engine } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';
import { attentionStep, finalStep } from '../src/view/next-step.ts';

export default defineTool({
  name: 'delegate_job',
  title: 'Delegate a job to another agent',
  description:
    'Delegate a job to another agent: hand a task over to a peer (Claude Code, Codex, Gemini CLI, OpenCode, a person, any terminal program) in a tmux session, to work in the background, in parallel. ' +
    'Answers within 5 seconds with the job id and a delivery receipt; the job continues whatever happens to this call. ' +
    'Use it to spawn, assign or offload work to a worker or sub-agent that a person can watch.',
  operation: delegate,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  meta: { 'anthropic/alwaysLoad': true },

  async handle(args, context) {
    const { engine, caller } = context;
    const { settings } = engine;
    const request_key = args.request_key ?? (context.callId && `call:${context.callId}`);
    const from = { ...settings, inside: caller.socket };
    const { host, session } = addressOf({ host: args.host, session: args.agent_session }, settings);
    const asked = { ...args, request_key, agent_session: session };
    const ask =
      host === undefined
        ? hereRequests(engine, delegateParams(asked, engine.kind(args.agent), caller, settings))
        : thereRequests(engine, delegateToParams({ ...asked, host }, caller, settings));
    if (args.dry_run) {
      const shown = previewView(await ask.preview(), ask.target, from);
      const again =
        shown.would_refuse === undefined
          ? 'Call delegate_job with dry_run false to delegate the job; it will have another id.'
          : 'Do what the summary says first; then call delegate_job with dry_run false.';
      return { ...shown, next: shown.repeated ? callOf('wait_job', { job_id: shown.job_id }) : again };
    }
    const result = await ask.delegate();
    const view = delegationView(result, from);
    const kept = attentionStep(result.record, () => view.attach_command);
    if (view.status === 'failed') return { ...view, next: finalStep([result.record]) };
    const wait = callOf('wait_job', { job_id: view.job_id });
    const free =
      'You may end your turn: a line in your pane notifies you when the job ends or needs you. Or wait: ';
    const then = `${args.notify === 'pane' ? free : ''}${wait}`;
    return { ...view, next: kept === '' ? then : `${kept} Then: ${then}` };
  },
});

/** The requests for an agent of this host. */
function hereRequests(engine: Engine, params: DelegateParams) {
  return {
    target: params.agent_session,
    preview: () => engine.request('preview', params),
    delegate: () => engine.request('delegate', params),
  };
}

/** The same for an agent of another one. */
function thereRequests(engine: Engine, params: DelegateToParams) {
  const { agent_session: session, host } = params;
  return {
    target: session === undefined ? undefined : `${session}@${host}`,
    preview: () => engine.request('delegate_to', { ...params, dry_run: true }),
    delegate: () => engine.request('delegate_to', { ...params, dry_run: false }),
  };
}
