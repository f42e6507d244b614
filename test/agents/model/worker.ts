import type { Model, ModelRequest, ModelStep } from './script.ts';

/** What the worker does for one job: steps, or a function of the conversation so far. */
export type Plan = (jobId: string, request: ModelRequest) => readonly ModelStep[];

/** One request to the model, for tests to inspect afterwards. */
export interface Asked extends ModelRequest {
  /** The job that the newest prompt is about. */
  jobId: string | undefined;
}

/** The job that a prompt of ours is about: the order, a reminder or a message. */
const JOB = /\bJob ([a-z0-9-]{3,64}) (?:was delegated to you|is still open)|\bJob ([a-z0-9-]{3,64})[:,]/;

/**
 * A scripted model that works like a good peer: for each prompt that names a job it makes the plan's steps, one per
 * request, and then says "Done."; any other prompt it answers with `other`.
 */
export function worker(
  plan: Plan,
  other: (request: ModelRequest) => ModelStep | Promise<ModelStep> = () => ({ say: 'As you wish.' }),
): {
  model: Model;
  /** Every request so far. */
  asked: Asked[];
} {
  const asked: Asked[] = [];
  const at = new Map<string, number>();
  const model: Model = async (request) => {
    const newest = request.prompts.at(-1) ?? '';
    const found = JOB.exec(newest);
    const jobId = found?.[1] ?? found?.[2];
    asked.push({ ...request, jobId });
    if (jobId === undefined) return other(request);
    // A reminder is a separate prompt, and starts the plan's next part.
    const step = at.get(jobId) ?? 0;
    at.set(jobId, step + 1);
    return plan(jobId, request)[step] ?? { say: 'Done.' };
  };
  return { model, asked };
}

/** The steps of a job that is done immediately. */
export function done(jobId: string): ModelStep[] {
  return [
    { call: 'publish_event', args: { job_id: jobId, event: 'started' } },
    { call: 'publish_event', args: { job_id: jobId, event: 'completed', detail: 'All done.' } },
  ];
}
