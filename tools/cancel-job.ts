import { MamError } from '../src/base/errors.ts';
import { cancel, cancelView } from '../src/operations/cancel.ts';
import { defineTool } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';

export default defineTool({
  name: 'cancel_job',
  title: 'Cancel a job',
  description:
    'Cancel a delegated job: stop, abort or withdraw work that was handed to another agent. ' +
    'A queued job is never typed; a job already in progress is final at once, and its peer learns with its next report that it should stop. ' +
    'It never ends the agent or its tmux session, nor undoes what the peer has changed.',
  operation: cancel,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },

  async handle(args, { engine, caller }) {
    const result = await engine.request('cancel', {
      ...args,
      registry_dir: engine.settings.registryDir,
      by: 'supervisor',
      seen_by: caller.session,
    });
    const { record, changed, note } = result;
    if (record === undefined) throw new MamError('not_found', `${args.job_id} is no longer tracked.`, note);
    return {
      ...cancelView(record, result, args.interrupt),
      next: changed
        ? 'Nothing is left to do.'
        : callOf('job_status', { job_id: record.job_id, events_after: 0 }),
    };
  },
});
