import type { Ancestor } from '../../../job/record.ts';
import type { LiveJob } from '../../jobs/live-job.ts';

/**
 * The panes that a delegation to another host comes from, nearest first: no job of its descendants may go to one of them.
 * @param from the delegating pane, and the job that it has
 * @param job finds a job in the hub's memory
 */
export function lineageOf(
  from: { host: string; pane: string | undefined; parent: LiveJob | undefined },
  job: (id: string) => LiveJob | undefined,
): Ancestor[] {
  const { host, pane: own, parent } = from;
  const found = new Map<string, Ancestor>();
  const add = (one: Omit<Ancestor, 'pane'> & { pane: string | undefined }): void => {
    const key = `${one.host} ${one.pane}`;
    if (one.pane !== undefined && !found.has(key)) found.set(key, { ...one, pane: one.pane });
  };
  for (let one = parent; one !== undefined; one = job(one.record.parent_job_id ?? '')) {
    const { agent_session: session, supervisor, lineage = [] } = one.record;
    add({ host, pane: session?.pane, job_id: one.id });
    // Of a supervisor on another host, only its own lineage knows the pane.
    if (supervisor.host === undefined) add({ host, pane: supervisor.pane });
    for (const above of lineage) add(above);
  }
  add({ host, pane: own });
  return [...found.values()];
}
