import { MamError } from '../base/errors.ts';
import { isJobId } from '../base/ids.ts';
import { needsAttention } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import { historyError, isHistory } from '../job/history.ts';
import type { Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import { standingOf } from '../job/standing.ts';
import { isFinal } from '../job/words.ts';
import type { WaitAnswer, WaitRequest } from '../operations/wait.ts';
import { holdWakes } from './hold.ts';
import { type JobNews, JobStream } from './job-stream.ts';
import type { Link } from './link.ts';

/** The longest time that setTimeout can count, in ms: more than that it takes for none at all. */
export const NO_LIMIT_MS = 2 ** 31 - 1;
/** How many of the newest events an answer carries. */
const MAX_EVENTS = 50;
/** A wait whose time is up gets its records once more, if that takes no longer than this, in ms. */
const LAST_LOOK_MS = 300;
/** A wait without time, or of a hub that is only starting, still looks once, if that takes no longer than this, in ms. */
const FIRST_LOOK_MS = 3_000;

export interface WaitOptions
  extends Pick<WaitRequest, 'until' | 'timeoutMs' | 'cursor' | 'signal' | 'onEvent'> {
  link: Link;
  host: string;
  registryDir: string;
  /** At least one. */
  jobIds: readonly string[];
  /** The client session that waits: of its own jobs nothing is typed into its pane meanwhile. */
  owner?: Owner | undefined;
  /** Called with how a job stands when the wait for it is in force. */
  onBegin?: ((record: JobRecord) => void) | undefined;
}

/** What a waiter knows of one job. */
interface Watched {
  id: string;
  /** Only a wake after this seq counts. */
  after: number | undefined;
  record: JobRecord | undefined;
}

/**
 * Waits until jobs are final or need somebody. Running out of time is an answer.
 * @throws MamError `not_found` for an unknown job, `refused` for one that is only history, `bad_input` for a foreign cursor, the link's own when the hub
 * can't be reached at the beginning
 */
export async function waitForJobs(options: WaitOptions): Promise<WaitAnswer> {
  const { link, host, registryDir, until, signal, owner } = options;
  const watched = watchedOf(options);
  const streams: JobStream[] = [];
  const events: RecordedEvent[] = [];
  let heard = 0;
  const holding = holdWakes(link, registryDir, owner, () => watched.flatMap(({ record }) => record ?? []));

  return new Promise<WaitAnswer>((resolve, reject) => {
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      for (const stream of streams) stream.end();
      holding.end();
      finish();
    };
    const answer = (outcome: WaitAnswer['outcome']): void =>
      settle(() => resolve({ outcome, ...summarize(watched, streams, events, heard) }));
    const onAbort = (): void => answer('still_running');
    const timeUp = (): void => void lastLook().then(() => answer('still_running'));
    const timer = setTimeout(timeUp, Math.min(options.timeoutMs, NO_LIMIT_MS));
    // Given up before it began: who follows from here on would never be ended, and would hear in the client's name.
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    const check = (): void => {
      if (watched.some(({ record }) => record === undefined)) return;
      const outcome = outcomeOf(watched, until);
      if (outcome === undefined) holding.renew();
      else answer(outcome);
    };
    const take = (job: Watched, { events: news, record, whole }: JobNews): void => {
      if (isHistory(record)) {
        settle(() => reject(historyError(registryDir, job.id)));
        return;
      }
      if (job.record === undefined) options.onBegin?.(record);
      job.record = record;
      // A cursor beyond the journal is of one that was longer: then only the present state counts.
      if (job.after !== undefined && job.after > record.seq) job.after = undefined;
      const standing = standingOf(record);
      for (const event of news) {
        events.push(event);
        heard++;
        if (events.length > 2 * MAX_EVENTS) events.splice(0, events.length - MAX_EVENTS);
        options.onEvent?.({ event, ...standing });
      }
      if (whole) check();
    };
    const lastLook = async (): Promise<void> => {
      const blind = watched.some(({ record }) => record === undefined);
      if (!link.connected && !blind) return;
      const looks = Promise.all(streams.map((stream) => stream.look()));
      const ms = blind ? FIRST_LOOK_MS : LAST_LOOK_MS;
      await Promise.race([looks, new Promise((done) => setTimeout(done, ms))]);
    };
    for (const job of watched) {
      streams.push(
        new JobStream({
          link,
          host,
          registryDir,
          jobId: job.id,
          after: job.after,
          onNews: (news) => take(job, news),
          onFailed: (error) => settle(() => reject(watched.length > 1 ? naming(job.id, error) : error)),
        }),
      );
    }
  });
}

/** The jobs of a wait, of which nothing is known yet. @throws MamError `not_found`, `bad_input` */
function watchedOf({ jobIds, cursor }: WaitOptions): Watched[] {
  const unusable = jobIds.findIndex((id) => !isJobId(id));
  if (unusable >= 0) {
    const which = jobIds.length > 1 ? `: number ${unusable + 1} of those that were named` : '';
    throw new MamError(
      'not_found',
      `There is no job with this id${which}.`,
      'Call list_jobs (`mam list`) for all ids.',
    );
  }
  const places = parseCursor(cursor);
  return [...new Set(jobIds)].map((id) => {
    const after = cursor === undefined ? undefined : (places.get(id) ?? 0);
    return { id, after, record: undefined };
  });
}

/** What a wait is over with; undefined while it goes on. */
function outcomeOf(watched: Watched[], until: WaitOptions['until']): WaitAnswer['outcome'] | undefined {
  if (watched.some((job) => job.record && needsAttention(job.record) && wakes(job))) return 'needs_attention';
  const ended = watched.filter(({ record }) => record && isFinal(record.status));
  return ended.length === watched.length || (until === 'any' && ended.some(wakes)) ? 'final' : undefined;
}

/** Of several jobs the one that there is not is named. */
function naming(jobId: string, error: unknown): unknown {
  if (!(error instanceof MamError) || error.code !== 'not_found') return error;
  return new MamError('not_found', `There is no job with this id: ${jobId}.`, error.hint, { cause: error });
}

/** True when the job's last wake is news to this waiter. */
function wakes({ record, after }: Watched): boolean {
  return record !== undefined && (after === undefined || record.wake_seq > after);
}

function summarize(
  watched: Watched[],
  streams: JobStream[],
  events: RecordedEvent[],
  heard: number,
): Omit<WaitAnswer, 'outcome'> {
  const newest = events.slice(-MAX_EVENTS);
  return {
    jobs: watched.flatMap(({ record }) => (record === undefined ? [] : [record])),
    unseen: watched.filter(({ record }) => record === undefined).map(({ id }) => id),
    events: newest,
    events_left_out: heard - newest.length,
    cursor: watched.map(({ id, after }, place) => `${id}:${streams[place]?.seen ?? after ?? 0}`).join(' '),
  };
}

/** By job id the place that a cursor stands for. @throws MamError `bad_input` for a text that is none of ours */
export function parseCursor(cursor: string | undefined): Map<string, number> {
  const places = new Map<string, number>();
  for (const part of (cursor ?? '').split(' ').filter(Boolean)) {
    const [, id, seq] = /^([a-z0-9-]{1,64}):(\d{1,15})$/.exec(part) ?? [];
    if (id === undefined || seq === undefined) {
      throw new MamError(
        'bad_input',
        'The cursor is not one of ours.',
        'Pass the cursor of the last answer as it was, or none.',
      );
    }
    places.set(id, Number(seq));
  }
  return places;
}
