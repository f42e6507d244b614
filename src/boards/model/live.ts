import { dataOf, type RecordedEvent } from '../../job/event.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import type { Standing } from '../../job/standing.ts';
import { isOpen } from './rows.ts';

/** A recorded event, as far as a list of jobs shows it, and the job's state after it. */
export interface Heard extends Standing {
  event: Pick<RecordedEvent, 'job_id' | 'type' | 'recorded_at'>;
  /** The job's last words, if the event has changed them. */
  detail?: string | undefined;
  /** Where its peer is, if the event says so. */
  place?: Place | undefined;
}

type Place = Pick<JobRow, 'session' | 'pane'>;

/** A row after an event. Nothing of the previous state stays: what no longer applies is absent from the event. */
export function rowAfter(
  row: JobRow,
  { event, detail = row.detail, place = row, ...standing }: Heard,
): JobRow {
  const { job_id, agent, profile, prompt_preview, created_at, from, after } = row;
  const { session, pane } = place;
  const ended = isOpen(standing) ? undefined : (row.final_at ?? event.recorded_at);
  const made = { job_id, agent, profile, prompt_preview, session, pane, created_at, from, after };
  // Those that need someone are sorted by it: by when they began to.
  const begins = standing.needs_you === true && row.needs_you !== true;
  const sign = begins ? event.recorded_at : row.last_sign_of_life_at;
  return {
    ...made,
    ...standing,
    detail,
    final_at: ended,
    ...(standing.needs_you === true && { last_sign_of_life_at: sign }),
  };
}

/** Where a job's peer is, as an event says it: of a job on another machine it is not known before that has taken it. */
export function placeFrom({
  event,
  record,
}: {
  event: RecordedEvent;
  record?: JobRecord | undefined;
}): Place | undefined {
  const at = (record ?? (event.type === 'queued' ? dataOf(event).job : undefined))?.agent_session;
  return at === undefined ? undefined : { session: at.session, pane: at.pane };
}

/** The row of a job that has just been made in this registry; undefined for any other event. */
export function newRow(
  { event, status, phase, host, record }: Standing & { event: RecordedEvent; record?: JobRecord | undefined },
  registryDir: string,
): JobRow | undefined {
  // The event of a job on another machine has the folders of that machine.
  const job = record ?? dataOf(event).job;
  if (event.type !== 'queued' || job?.registry_dir !== registryDir) return undefined;
  return {
    job_id: event.job_id,
    agent: job.agent,
    profile: job.profile,
    status,
    phase,
    prompt_preview: job.prompt_preview,
    session: job.agent_session?.session,
    pane: job.agent_session?.pane,
    host,
    from: job.supervisor.host,
    after: job.after,
    created_at: event.recorded_at,
  };
}
