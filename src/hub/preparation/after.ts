import { MamError } from '../../base/errors.ts';
import { cleanLine, counted, someOf } from '../../base/text.ts';
import { isSettled } from '../../job/apply.ts';
import { isLost, reasonOf } from '../../job/home-state.ts';
import type { JobOrder } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import { readPrompt } from '../../order/prompt-file.ts';
import { registryError } from '../../registry/paths.ts';
import { writeText } from '../../registry/texts.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { againWith } from './again.ts';
import type { HeldJob } from './held-job.ts';
import type { News } from './news.ts';
import { hasCome, taskWithResults } from './results.ts';
import type { Passed, Step } from './step.ts';

const DETAIL_CHARS = 400;
const NAMED_JOBS = 5;

/** A job that another one waits for; undefined when it was removed. */
type Earlier = { id: string; job: LiveJob | undefined };

/** Holds a job until others have ended, and puts their results into its task. */
export class After implements Step {
  readonly name = 'after';
  readonly blockedBy = 'after';
  readonly failure = 'dependency_failed';
  readonly #registrar: Registrar;
  readonly #news: News;

  constructor({ registrar, news }: { registrar: Registrar; news: News }) {
    this.#registrar = registrar;
    this.#news = news;
  }

  isNeeded({ after }: JobOrder): boolean {
    return after !== undefined;
  }

  async run(job: LiveJob, held: HeldJob, signal: AbortSignal): Promise<Passed> {
    const { after = [] } = job.record;
    const results = held.params.results ?? {};
    // A result of another host may come after the event that names it.
    const awaited = [...new Set([...after, ...Object.values(results)])];
    const isAbout = ({ id }: LiveJob): boolean => awaited.includes(id);
    const ended = await this.#news.until(
      async () => {
        const found = await this.#ended(job, awaited, held);
        if (found === undefined) await held.waits(this.blockedBy, waitsFor(awaited));
        return found;
      },
      signal,
      isAbout,
    );
    const detail = sentence(ended.filter(({ id }) => after.includes(id)));
    const jobs = new Map(ended.map((one) => [one.id, one.job]));
    const prompt = job.prompt ?? readPrompt(job.record, job.paths.prompt);
    if (Object.keys(results).length === 0) return { detail };
    const task = taskWithResults(prompt, (given) => {
      const id = Object.hasOwn(results, given) ? results[given] : undefined;
      return id === undefined ? undefined : { id, job: jobs.get(id) };
    });
    const task_sha256 = await held.untilWritten(this.blockedBy, signal, () => writeTask(job, task));
    job.prompt = task;
    return { detail, data: { task_sha256 } };
  }

  /**
   * @returns all of them once none is open, or is thought to be (its registry is away)
   * @throws MamError for one whose end keeps the job from being handed over
   */
  async #ended(
    job: LiveJob,
    awaited: readonly string[],
    { params }: HeldJob,
  ): Promise<Earlier[] | undefined> {
    const { after = [], after_any_end: anyEnd = false } = job.record;
    const found = await Promise.all(awaited.map((id) => this.#find(id, job.registryDir)));
    for (const one of anyEnd ? [] : found)
      if (one !== 'away' && after.includes(one.id)) checkCompleted(one, () => againWith(job, params));
    const ended = found.filter((one) => one !== 'away' && isEnded(one.job)) as Earlier[];
    return ended.length === found.length ? ended : undefined;
  }

  async #find(id: string, registryDir: string): Promise<Earlier | 'away'> {
    try {
      return { id, job: await this.#registrar.find(id, registryDir) };
    } catch (error) {
      if (error instanceof MamError && error.code === 'not_found') return { id, job: undefined };
      return 'away';
    }
  }
}

/** @returns its hash @throws MamError `io` when it can't be written */
async function writeTask(job: LiveJob, task: string): Promise<string> {
  try {
    job.ground.check();
    return await writeText(job.paths.texts, task);
  } catch (error) {
    throw registryError(job.registryDir, error);
  }
}

/** True when nothing more will come of a job, or nothing that this hub can know of. */
function isEnded(job: LiveJob | undefined): boolean {
  if (job === undefined || job.isHistory || isLost(job.record)) return true;
  return isSettled(job.record) && hasCome(job);
}

/** @throws MamError for a job that has ended without being completed */
function checkCompleted({ id, job }: Earlier, how: () => string): void {
  const again = `Once that is put right, ${how()}. With after_any_end (\`--after-any-end\`) a job goes on whatever the end.`;
  if (job === undefined)
    throw new MamError('not_found', `Job ${id}, which this one waits for, was removed.`, again);
  const { status, detail } = job.record;
  if (!isEnded(job) || status === 'completed') return;
  const reason = reasonOf(job.record);
  const why = reason === undefined ? '' : ` (${reason})`;
  const words =
    detail === undefined ? '.' : `: ${cleanLine(detail, DETAIL_CHARS).replace(/[^.!?…]$/, '$&.')}`;
  const is = isFinal(status) ? `is ${status}${why}` : `is lost${why}`;
  throw new MamError('conflict', `Job ${id}, which this one waits for, ${is}${words}`, again);
}

function waitsFor(ids: readonly string[]): string {
  return `It waits for ${ids.length === 1 ? 'job' : `${ids.length} jobs`} ${someOf(ids, NAMED_JOBS)}.`.replace(
    'jobs ',
    'jobs: ',
  );
}

function sentence(ended: readonly Earlier[]): string {
  if (ended.length === 0) return 'The results that it names are there.';
  const ids = ended.map(({ id, job }) => `${id} (${job?.record.status ?? 'removed'})`);
  const have = ended.length === 1 ? 'The job' : `The ${counted(ended.length, 'job')}`;
  return `${have} that it waited for ${ended.length === 1 ? 'has' : 'have'} ended: ${someOf(ids, NAMED_JOBS)}.`;
}
