import { MAX_TIMER_MS } from '../base/awake.ts';
import { MamError } from '../base/errors.ts';
import { isJobId } from '../base/ids.ts';
import { within } from '../base/within.ts';
import { needsAttention } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import { historyError, isHistory } from '../job/history.ts';
import { homeNews, isOver } from '../job/home-state.ts';
import type { Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import { standingOf } from '../job/standing.ts';
import type { WaitAnswer, WaitRequest } from '../operations/wait.ts';
import { holdWakes } from './hold.ts';
import { type JobNews, JobStream, type JobStreamOptions } from './job-stream.ts';

/** How many events an answer carries: the newest ones. */
const MAX_EVENTS = 50;
/** A wait that times out fetches its records once more, if that takes no longer than this, in ms. */
const LAST_LOOK_MS = 300;
/** The same for records that it has not seen at all, for example because the hub is just starting. */
const FIRST_LOOK_MS = 3_000;

export interface WaitOptions
  extends Pick<WaitRequest, 'until' | 'timeoutMs' | 'cursor' | 'signal' | 'onEvent'>,
    Pick<JobStreamOptions, 'link' | 'host' | 'registryDir'> {
  /** At least one. */
  jobIds: readonly string[];
  /** The client session that waits; meanwhile nothing about its own jobs is typed into its pane. */
  owner?: Owner | undefined;
  /** Called with a job's state once the wait for it is active. */
  onBegin?: ((record: JobRecord) => void) | undefined;
  /** Called whenever all jobs are known and none of them ends the wait yet. */
  onWaiting?: (() => void) | undefined;
}

/** How far a waiter knows about a job: up to an event, and of a job on another host up to an episode. */
export interface Place {
  seq: number;
  episode: number;
}

interface Watched {
  id: string;
  /** Only a wake after this place counts. */
  after: Place | undefined;
  record: JobRecord | undefined;
}

/**
 * Waits until jobs are final or need attention. A timeout is an answer too.
 * @throws MamError `not_found` for an unknown job, `refused` for one that is only history, `bad_input` for a foreign
 * cursor, the link's own if the hub can't be reached at the beginning
 */
export async function waitForJobs(options: WaitOptions): Promise<WaitAnswer> {
  const { link, host, registryDir, until, signal, owner } = options;
  const watched = watchedOf(options);
  const streams: JobStream[] = [];
  const events: RecordedEvent[] = [];
  let total = 0;
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
      settle(() => resolve({ outcome, ...summarize(watched, streams, events, total) }));
    const onAbort = (): void => answer('still_running');
    const timeUp = (): void => void lastLook().then(() => answer('still_running'));
    const timer = setTimeout(timeUp, Math.min(options.timeoutMs, MAX_TIMER_MS));
    // Aborted before it began: streams opened now would never be ended.
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    const check = (): void => {
      if (watched.some(({ record }) => record === undefined)) return;
      const outcome = outcomeOf(watched, until);
      if (outcome !== undefined) answer(outcome);
      else {
        holding.renew();
        options.onWaiting?.();
      }
    };
    const take = (job: Watched, { events: news, record, whole }: JobNews): void => {
      if (record.job_id !== job.id) {
        rename(job, record.job_id);
        return;
      }
      if (isHistory(record)) {
        settle(() => reject(historyError(registryDir, job.id)));
        return;
      }
      if (job.record === undefined) options.onBegin?.(record);
      job.record = record;
      // A cursor beyond the end of the journal is from a longer journal: then only the current state counts.
      if (job.after !== undefined && job.after.seq > record.seq) job.after = undefined;
      const standing = standingOf(record);
      for (const event of news) {
        events.push(event);
        total++;
        if (events.length > 2 * MAX_EVENTS) events.splice(0, events.length - MAX_EVENTS);
        options.onEvent?.({ event, ...standing, record });
      }
      if (whole) check();
    };
    const lastLook = async (): Promise<void> => {
      const blind = watched.some(({ record }) => record === undefined);
      if (!link.connected && !blind) return;
      const looks = Promise.all(streams.map((stream) => stream.fetchMissed()));
      await within(looks, blind ? FIRST_LOOK_MS : LAST_LOOK_MS);
    };
    /** The hub was asked for a part of an id: its events come under the whole one. */
    const rename = (job: Watched, id: string): void => {
      const place = watched.indexOf(job);
      streams[place]?.end();
      const isKnown = watched.some((other) => other.id === id);
      const whole = watch(id, options.cursor);
      watched.splice(place, 1, ...(isKnown ? [] : [whole]));
      streams.splice(place, 1, ...(isKnown ? [] : [open(whole)]));
      check();
    };
    const open = (job: Watched): JobStream => {
      const onNews = (news: JobNews): void => take(job, news);
      const onFailed = (error: unknown): void => settle(() => reject(error));
      return new JobStream({
        link,
        host,
        registryDir,
        jobId: job.id,
        after: job.after?.seq,
        onNews,
        onFailed,
      });
    };
    for (const job of watched) streams.push(open(job));
  });
}

/** The jobs of a wait, before anything is known about them. @throws MamError `not_found`, `bad_input` */
function watchedOf({ jobIds, cursor }: WaitOptions): Watched[] {
  const unusable = jobIds.findIndex((id) => !isJobId(id));
  if (unusable >= 0) {
    const which = jobIds.length > 1 ? `: number ${unusable + 1} of the ids given` : '';
    const what = `There is no job with this id${which}.`;
    throw new MamError('not_found', what, 'Call list_jobs (`mam list`) for all ids.');
  }
  return [...new Set(jobIds)].map((id) => watch(id, cursor));
}

function watch(id: string, cursor: string | undefined): Watched {
  const after = cursor === undefined ? undefined : (parseCursor(cursor).get(id) ?? { seq: 0, episode: 0 });
  return { id, after, record: undefined };
}

/** The outcome of a wait; undefined while it continues. */
function outcomeOf(watched: Watched[], until: WaitOptions['until']): WaitAnswer['outcome'] | undefined {
  if (watched.some((job) => job.record && needsAttention(job.record) && wakes(job))) return 'needs_attention';
  const ended = watched.filter(({ record }) => record && isOver(record));
  return ended.length === watched.length || (until === 'any' && ended.some(wakes)) ? 'final' : undefined;
}

/** True if the job's last wake is news to this waiter. */
function wakes({ record, after }: Watched): boolean {
  return record !== undefined && (after === undefined || isNews(record, after));
}

/** True if a job's last wake came after a place. */
export function isNews(record: JobRecord, { seq, episode }: Place): boolean {
  return record.wake_seq > seq || homeNews(record) > episode;
}

function summarize(
  watched: Watched[],
  streams: JobStream[],
  events: RecordedEvent[],
  total: number,
): Omit<WaitAnswer, 'outcome'> {
  const newest = events.slice(-MAX_EVENTS);
  return {
    jobs: watched.flatMap(({ record }) => record ?? []),
    unseen: watched.filter(({ record }) => record === undefined).map(({ id }) => id),
    events: newest,
    events_left_out: total - newest.length,
    cursor: watched.map((job, place) => placeText(job, streams[place]?.seen)).join(' '),
  };
}

/** A job's part of a cursor. @param seen up to which event its news has been passed on */
function placeText({ id, after, record }: Watched, seen: number | undefined): string {
  const episode = record?.home?.episode ?? after?.episode ?? 0;
  return `${id}:${seen ?? after?.seq ?? 0}${episode === 0 ? '' : `!${episode}`}`;
}

/** The places in a cursor, by job id. @throws MamError `bad_input` for a text that is not a cursor of ours */
export function parseCursor(cursor: string | undefined): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const part of (cursor ?? '').split(' ').filter(Boolean)) {
    const [, id, seq, episode = '0'] = /^([a-z0-9-]{1,64}):(\d{1,15})(?:!(\d{1,9}))?$/.exec(part) ?? [];
    if (id === undefined || seq === undefined) {
      const remedy = 'Pass the cursor of the last answer unchanged, or none.';
      throw new MamError('bad_input', 'The cursor is not one of ours.', remedy);
    }
    places.set(id, { seq: Number(seq), episode: Number(episode) });
  }
  return places;
}
