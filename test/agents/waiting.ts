import type { LabServer } from '../support/lab-server.ts';
import type { AgentLab } from './lab.ts';
import type { ModelRequest, ModelStep } from './model/script.ts';

/** Longer than any limit here, in seconds. */
const LONG = 600;
/** The delegated work has no pane: the test itself reports on it. */
export const DELEGATE: ModelStep = {
  call: 'delegate_job',
  args: { prompt: 'Hang up the key', agent: 'human' },
};

/** What a person says to the model of `prepared`. */
export const BEGIN = 'begin the work';
export const AGAIN = 'look again';

/** The reporter on the job. The hub runs from now on: its start must not count towards a client's short limit. */
export async function reporterOf(lab: AgentLab): Promise<LabServer> {
  await (await lab.startServer()).ask('list_jobs');
  return lab.startPeerServer();
}

/** A model that delegates and waits when told to begin, and only waits when told to look again. */
export async function prepared(lab: AgentLab): Promise<ModelRequest[]> {
  const asked: ModelRequest[] = [];
  await lab.prepare((request) => {
    asked.push(request);
    const newest = request.prompts.at(-1) ?? '';
    const [job_id] = lab.jobIds();
    if (job_id === undefined) return DELEGATE;
    const waited = request.results.some(({ tool }) => tool.endsWith('wait_job'));
    if (newest.includes(BEGIN)) return waited ? { say: 'Something else, then.' } : wait(job_id);
    const before = asked.filter(({ prompts }) => prompts.at(-1)?.includes(AGAIN)).length;
    return newest.includes(AGAIN) && before === 1 ? wait(job_id) : { say: 'Done.' };
  });
  return asked;
}

/** Waits for a job longer than any client here lets a call run. */
export function wait(job_id: string, cursor?: string): ModelStep {
  return {
    call: 'wait_job',
    args: { job_id, timeout_seconds: LONG, ...(cursor !== undefined && { cursor }) },
  };
}
