import { join } from 'node:path';
import { explain, MamError } from '../base/errors.ts';
import type { JobRecord } from '../job/record.ts';
import { namedResults } from '../job/result-marks.ts';
import { wholeTask } from '../job/task-text.ts';
import type { DelegateParams, PreviewResult } from '../operations/delegate.ts';
import { jobPaths } from '../registry/paths.ts';
import { composeJob, newRecord } from './compose-job.ts';
import { orderText } from './order-text.ts';

/** Refusals because of the job's destination: the text that would be typed is known anyway. */
const OF_THE_PLACE = ['not_found', 'unavailable', 'unreachable', 'conflict', 'refused'];

/**
 * The hub's preview. Without a destination or a hub: what would be typed, and why the call would be refused.
 * @throws MamError for what is wrong with the job itself
 */
export async function previewOrWhy(
  ask: () => Promise<PreviewResult>,
  params: DelegateParams,
  host: string,
): Promise<PreviewResult & { refusal?: MamError }> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MamError) || !OF_THE_PLACE.includes(error.code)) throw error;
    const none = { place: undefined, validation: undefined, parent: undefined, notify: undefined };
    const order = composeJob({ ...none, params, prompt: params.prompt ?? '', host, peer_server: 'unknown' });
    return {
      ...shown(newRecord(order), params, params.prompt ?? ''),
      would_refuse: explain(error),
      refusal: error,
    };
  }
}

/** A preview without the obstacles, which are not known yet. */
export function shown(record: JobRecord, params: DelegateParams, prompt: string): PreviewResult {
  const paths = jobPaths(params.registry_dir, record.job_id);
  // With results in their places it is another text, in another file, and never short enough to be typed whole.
  const isOpen = namedResults(prompt).length > 0 && record.after !== undefined;
  const whole = wholeTask(params.preamble, prompt);
  const [file, task] = isOpen ? [join(paths.texts, 'SHA256'), `${whole}\n`] : [paths.prompt, whole];
  return {
    record,
    repeated: false,
    delivery: [],
    position: 0,
    behind: [],
    warnings: [],
    preamble: params.preamble,
    ...(params.agent !== 'human' && { typed_text: orderText(record, file, task) }),
  };
}
