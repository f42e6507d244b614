import { answer, answerView } from '../src/operations/answer.ts';
import { defineTool } from '../src/tool/tool.ts';
import { callOf } from '../src/view/call-of.ts';

export default defineTool({
  name: 'answer_job',
  title: "Answer a job's question or permission request",
  description:
    'Answer a delegated job that asks for something: reply to the question of its peer with text, or approve or reject its permission request with decision allow or deny. ' +
    'A decision counts once, for exactly the open request. Text for a job that has asked nothing is a further instruction: the peer gets it with its next report, or in its pane when idle.',
  operation: answer,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },

  async handle(args, { engine }) {
    const job_id = await engine.whole(args.job_id);
    const result = await engine.request('answer', {
      ...{ ...args, job_id },
      registry_dir: engine.settings.registryDir,
      request_id: args.request_id ?? engine.shownRequest(job_id),
      by: 'supervisor',
    });
    return { ...answerView(result), next: callOf('wait_job', { job_id: result.record.job_id }) };
  },
});
