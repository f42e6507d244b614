import { MamError } from '../../base/errors.ts';
import { historyError } from '../../job/history.ts';
import { recordSchema } from '../../job/record.ts';
import type { FoldedJob } from '../../registry/fold.ts';
import { asHistory, copyError, foldProven } from '../../registry/history.ts';
import { jobPaths, registryError } from '../../registry/paths.ts';
import type { Seal } from '../../registry/seal.ts';
import type { ClockMark } from './job-clock.ts';
import { type Access, LiveJob } from './live-job.ts';

interface Options extends Access {
  /** How far an earlier hub saw its clocks. */
  mark?: ClockMark | undefined;
  /** The registry of the job that it is a copy of, if it is one. */
  originalOf: (job: FoldedJob) => string | undefined;
}

/**
 * A job that is on disk. One that no hub of this home has delegated is history: it can be looked at, and nothing more.
 * @throws MamError as `foldJob`; `unavailable` for a record that does not fit, `io` where its folder is another one, or a link
 */
export function loadJob(registryDir: string, id: string, seal: Seal, options: Options): LiveJob {
  const { mark, originalOf, ...access } = options;
  const job = new LiveJob(registryDir, id, jobPaths(registryDir, id), seal, access);
  const { folded, isProven } = foldProven(registryDir, id, seal);
  checkRecord(folded);
  job.copyOf = isProven ? originalOf(folded) : undefined;
  job.isHistory = !isProven || job.copyOf !== undefined;
  if (!job.isHistory) {
    checkGround(job);
    job.adopt(folded);
    job.clock.resume(folded.record, job.lastSign, mark);
    return job;
  }
  // Nothing is attached to a pane that a stranger names.
  const { agent_session: _, agent_process: __, ...record } = folded.record;
  const why =
    job.copyOf === undefined ? historyError(registryDir, id) : copyError(registryDir, id, job.copyOf);
  job.adopt(asHistory({ ...folded, record }, why));
  return job;
}

function checkGround({ ground, registryDir }: LiveJob): void {
  try {
    ground.check();
  } catch (error) {
    throw registryError(registryDir, error);
  }
}

/** @throws MamError `unavailable` for a record that the rest of the hub could not work with */
function checkRecord({ record, paths }: FoldedJob): void {
  const parsed = recordSchema.safeParse(record);
  if (parsed.success) return;
  throw new MamError(
    'unavailable',
    `The record of job ${record.job_id} does not fit: ${parsed.error.issues[0]?.path.join('.') ?? 'unknown field'}.`,
    `Restore ${paths.journal} from a backup, or move the folder ${paths.folder} away.`,
  );
}
