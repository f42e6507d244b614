import { MamError } from '../errors.ts';
import { needsAttention } from '../job/apply.ts';
import type { RecordedEvent } from '../job/event.ts';
import { isJobId } from '../job/id.ts';
import type { JobRecord } from '../job/record.ts';
import type { LogMessage } from '../job/request.ts';
import { owesWake } from '../job/wake.ts';
import { isFinal } from '../job/words.ts';
import type { Link } from './link.ts';

/** The longest time that setTimeout can count, in ms: more than that it takes for none at all. */
export const NO_LIMIT_MS = 2 ** 31 - 1;
/** How many of the newest events an answer carries. */
const MAX_EVENTS = 50;
/** A hub that is busy must not make a waiter give up: its first look may take this long, in ms. */
const LOOK_MS = 30_000;
/** A wait whose time is up gets its records once more, if that takes no longer than this, in ms. */
const LAST_LOOK_MS = 300;

/** A wait without time, or of a hub that is only starting, still looks once, if that takes no longer than this, in ms. */
const FIRST_LOOK_MS = 3_000;

export interface WaitOptions {
  link: Link;
  host: string;
  registryDir: string;
  /** At least one. */
  jobIds: string[];
  until: 'any' | 'all';
  timeoutMs: number;
  /** Of an earlier answer: only what came after it counts; absent: by level. */
  cursor?: string | undefined;
  signal: AbortSignal;
  /** The client session that waits: what it hears of its own jobs need not be typed into its pane as well. */
  session?: string | undefined;
  /** Called with every event after the cursor (without one: after the call), once and in the order of the journal. */
  onEvent?: ((message: LogMessage) => void) | undefined;
  /** Called with how a job stands when the wait for it is in force. */
  onBegin?: ((record: JobRecord) => void) | undefined;
}

export interface WaitEnd {
  outcome: 'final' | 'needs_attention' | 'still_running';
  jobs: JobRecord[];
  /** What happened since the cursor, oldest first; the newest 50 at most. */
  events: RecordedEvent[];
  cursor: string;
}

/** What a waiter knows of one job. */
interface Watched {
  id: string;
  /** Only a wake after this seq counts. */
  after: number | undefined;
  /** The newest seq seen. */
  seen: number;
  record: JobRecord | undefined;
  /** Events that came while earlier ones were still being asked for. */
  held: LogMessage[];
  looking: boolean;
}

/**
 * Waits until jobs are final or need somebody. Hears of events by subscription, never by polling; after a lost
 * connection it asks for what it missed. Running out of time is an answer.
 * @throws MamError `not_found` for an unknown job, `bad_input` for a foreign cursor, the link's own when the hub
 * can't be reached at the beginning
 */
export async function waitForJobs(options: WaitOptions): Promise<WaitEnd> {
  const { link, host, registryDir, until, signal } = options;
  if (!options.jobIds.every(isJobId)) {
    throw new MamError(
      'not_found',
      'There is no job with this id.',
      'Call list_jobs (`mam list`) for all ids.',
    );
  }
  const after = parseCursor(options.cursor);
  const watched = new Map<string, Watched>();
  for (const id of options.jobIds) {
    const start = options.cursor === undefined ? undefined : (after.get(id) ?? 0);
    watched.set(id, { id, after: start, seen: start ?? 0, record: undefined, held: [], looking: false });
  }
  const events: RecordedEvent[] = [];
  const unfollow: (() => void)[] = [];

  return new Promise<WaitEnd>((resolve, reject) => {
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      for (const end of unfollow) end();
      finish();
    };
    const answer = (outcome: WaitEnd['outcome']): void =>
      settle(() => resolve({ outcome, ...summarize(watched, events) }));
    const onAbort = (): void => answer('still_running');
    const timeUp = (): void => void lastLook().then(() => answer('still_running'));
    const timer = setTimeout(timeUp, Math.min(options.timeoutMs, NO_LIMIT_MS));
    // Given up before it began: who follows from here on would never be ended, and would hear in the client's name.
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    const check = (): void => {
      const jobs = [...watched.values()];
      // With a look under way the answer would lack events, and its cursor would tell of the same change again.
      if (jobs.some(({ record, looking, held }) => record === undefined || (looking && held.length > 0)))
        return;
      const ended = jobs.filter(({ record }) => record && isFinal(record.status));
      if (jobs.some((job) => job.record && needsAttention(job.record) && wakes(job)))
        answer('needs_attention');
      else if (ended.length === jobs.length || (until === 'any' && ended.some(wakes))) answer('final');
    };
    const take = (job: Watched, message: LogMessage): void => {
      const { event } = message;
      if (settled || event.seq <= job.seen) return;
      job.seen = event.seq;
      events.push(event);
      if (events.length > 2 * MAX_EVENTS) events.splice(0, events.length - MAX_EVENTS);
      options.onEvent?.(message);
    };
    /** Asks for a job's state and for the events that are missing; those that come meanwhile are kept behind them. */
    const look = async (job: Watched): Promise<void> => {
      job.looking = true;
      try {
        for (let more = true; more; ) {
          // Without a cursor the past is told by the record; its events are in the log.
          const first = job.after === undefined && job.record === undefined;
          const params = { job_id: job.id, registry_dir: registryDir, seen_by: options.session };
          const after = first ? undefined : job.seen;
          const status = await link.request('status', { ...params, events_after: after }, LOOK_MS);
          const { record } = status;
          // A cursor beyond the journal is of one that was longer: then only the present state counts.
          if (job.after !== undefined && job.after > record.seq) job.after = undefined;
          if (job.record === undefined) options.onBegin?.(record);
          for (const event of status.events) take(job, { ...record, event });
          if (job.record === undefined || record.seq >= job.record.seq) job.record = record;
          job.seen = Math.max(job.seen, status.more ? status.cursor : record.seq);
          more = status.more;
        }
        for (const message of job.held.splice(0)) take(job, message);
      } finally {
        job.looking = false;
      }
    };
    /** Where a look failed the next connection looks again; with none to come, what is known must do. */
    const afterFailure = (): void => {
      if (link.connected) check();
    };
    let looking: Promise<unknown> | undefined;
    const lookAtAll = (): void => {
      // A request that is under way is sent again by the link after a lost connection.
      if (looking !== undefined) return;
      looking = Promise.all([...watched.values()].map(look))
        .then(check, (error: unknown) => {
          // Once it waits, a lost hub is no reason to stop: the next connection looks again.
          const first = [...watched.values()].some(({ record }) => record === undefined);
          if (first || (error instanceof MamError && error.code === 'not_found')) settle(() => reject(error));
          else afterFailure();
        })
        .finally(() => {
          looking = undefined;
        });
    };
    const hear = (job: Watched, message: LogMessage): void => {
      if (job.looking) job.held.push(message);
      else if (message.event.seq <= job.seen + 1) take(job, message);
      else {
        // Some did not get through.
        job.held.push(message);
        void look(job).then(check, afterFailure);
      }
    };
    const lastLook = async (): Promise<void> => {
      const blind = [...watched.values()].some(({ record }) => record === undefined);
      if (!link.connected && !blind) return;
      lookAtAll();
      const ms = blind ? FIRST_LOOK_MS : LAST_LOOK_MS;
      await Promise.race([looking, new Promise((done) => setTimeout(done, ms))]);
    };
    for (const job of watched.values()) {
      unfollow.push(
        link.follow(job.id, host, (message) => {
          hear(job, message);
          if (message.record !== undefined && message.record.seq >= (job.record?.seq ?? 0))
            job.record = message.record;
          else if (job.record !== undefined) {
            job.record = {
              ...job.record,
              status: message.status as JobRecord['status'],
              seq: message.event.seq,
            };
          }
          if (message.record === undefined) return;
          if (options.session === message.record.supervisor.session && owesWake(message.record)) {
            const seen = { job_id: job.id, registry_dir: registryDir, seen_by: options.session };
            // At worst it is told once more.
            link.request('status', seen).catch(() => {});
          }
          check();
        }),
      );
    }
    unfollow.push(link.onConnect(lookAtAll));
    lookAtAll();
  });
}

/** True when the job's last wake is news to this waiter. */
function wakes({ record, after }: Watched): boolean {
  return record !== undefined && (after === undefined || record.wake_seq > after);
}

function summarize(watched: Map<string, Watched>, events: RecordedEvent[]): Omit<WaitEnd, 'outcome'> {
  const jobs = [...watched.values()];
  return {
    jobs: jobs.flatMap(({ record }) => (record === undefined ? [] : [record])),
    events: events.slice(-MAX_EVENTS),
    cursor: jobs.map(({ id, seen, after }) => `${id}:${Math.max(seen, after ?? 0)}`).join(' '),
  };
}

function parseCursor(cursor: string | undefined): Map<string, number> {
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
