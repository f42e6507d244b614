import { MamError } from '../../base/errors.ts';
import { isHeld } from '../../job/held.ts';
import { isFinal } from '../../job/words.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** What is known about the open jobs. */
interface Around {
  open: readonly LiveJob[];
  dispatcher: Pick<Dispatcher, 'ahead'>;
}

/**
 * Refuses a job that would wait for one whose agent waits for it.
 * @param after the jobs that it would wait for
 * @param above the jobs whose agents wait for it: its parent, that one's parent, and so on
 * @throws MamError `refused` with the way from one to the other
 */
export function checkNoCycle(after: readonly string[], above: ReadonlySet<string>, around: Around): void {
  if (above.size === 0) return;
  const way = wayTo(after, (id) => above.has(id), around);
  if (way === undefined) return;
  const [last = ''] = way.slice(-1);
  const over = way.length === 1 ? '' : ` (it would wait for ${way.join(', which waits for ')})`;
  throw new MamError(
    'refused',
    `Job ${last} can't end before this one: its agent works on what this job is a part of${over}. The two would wait for each other.`,
    `Leave out ${way[0]} from after (\`--after\`).`,
  );
}

/** The first of these jobs that waits for a job, directly or through others; undefined if none does. */
export function waiterAmong(jobs: readonly LiveJob[], jobId: string, around: Around): LiveJob | undefined {
  return jobs.find((one) => wayTo([one.id], (id) => id === jobId, around) !== undefined);
}

/** A way over open jobs, each waiting for the next, to one that is searched for. */
function wayTo(
  from: readonly string[],
  isGoal: (id: string) => boolean,
  around: Around,
): string[] | undefined {
  const jobs = new Map(around.open.map((job) => [job.id, job]));
  const ways = from.map((id) => [id]);
  const seen = new Set(from);
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const [last = ''] = way.slice(-1);
    if (isGoal(last)) return way;
    const job = jobs.get(last);
    for (const next of job === undefined ? [] : waitsOf(job, around)) {
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** The open jobs that one waits for: those it comes after, those before it in its pane, and those that its agent has delegated. */
function waitsOf(job: LiveJob, { open, dispatcher }: Around): string[] {
  const { record } = job;
  const { after = [], agent_session: session, target } = record;
  const pane = session ?? target;
  const isWaiting = record.status === 'queued' && pane !== undefined;
  const queue = isWaiting ? dispatcher.ahead(pane.socket, pane.pane) : [];
  const place = queue.indexOf(job);
  const children = open.filter((one) => !isFinal(one.record.status) && isChild(one, job));
  return [
    ...(isHeld(record) ? after : []),
    ...queue.slice(0, place === -1 ? queue.length : place).map(({ id }) => id),
    ...children.map(({ id }) => id),
  ];
}

function isChild({ record: { parent_job_id: parent, lineage = [] } }: LiveJob, { id }: LiveJob): boolean {
  return parent === id || lineage.some((one) => one.job_id === id);
}
