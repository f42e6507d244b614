import { MAX_TIMER_MS } from '../../base/awake.ts';
import { cleanLine, someOf } from '../../base/text.ts';
import { needsAttention } from '../../job/apply.ts';
import { openCheckRequest } from '../../job/check.ts';
import { dataOf, type RecordedEvent } from '../../job/event.ts';
import { homeNews, isOver } from '../../job/home-state.ts';
import type { JobRecord } from '../../job/record.ts';
import { lastWords } from '../../job/standing.ts';
import { isFinal, type Status } from '../../job/words.ts';
import { tellSeen } from '../../link/hold.ts';
import type { Link } from '../../link/link.ts';
import { isNews, type Place, waitForJobs } from '../../link/waiter.ts';
import type { LogMessage } from '../../operations/request.ts';
import type { WaitEnd } from '../../operations/wait.ts';
import { waitSummary } from '../../operations/wait.ts';
import { ownerOf, type Settings } from '../../settings/config.ts';
import { awayText } from '../../view/home.ts';
import { briefs, eventRows } from '../../view/job.ts';
import { nextStep } from '../../view/next-step.ts';
import { spanText } from '../../view/times.ts';
import { hasWork } from '../../view/worktree.ts';
import { isLive, note, onReaderGone } from '../core/output.ts';
import { checkOutput } from './check-output.ts';
import { eventText, stateText, verdictText } from './job-text.ts';
import { ProgressLine } from './progress-line.ts';
import { tellLooks } from './tell-look.ts';

const WORDS_CHARS = 400;
const NAMED_JOBS = 5;
const INDENT = 4;
export const STOPPED_WAITING = 'stopped waiting; the job goes on.';

interface Following {
  link: Link;
  settings: Settings;
  jobIds: string[];
  /** True to keep waiting when a job needs a person: the others may still finish. */
  past: boolean;
  timeoutSeconds?: number | undefined;
  /** Only later events are shown; absent: only new ones. */
  cursor?: string | undefined;
  json: boolean;
  /** True for a command that only waits: it says what for, and what a failed check has printed. */
  onlyWaits?: boolean;
}

interface Followed extends WaitEnd {
  events: RecordedEvent[];
  cursor: string | undefined;
}

/** Waits for jobs and prints their events, unless `json`. Ctrl-C ends only the wait. @throws as `waitForJobs` */
export async function followJobs(following: Following): Promise<Followed> {
  const { link, settings, past, json, timeoutSeconds } = following;
  const limit = timeoutSeconds === undefined ? MAX_TIMER_MS : timeoutSeconds * 1000;
  const until = performance.now() + Math.min(limit, MAX_TIMER_MS);
  const several = following.jobIds.length > 1;
  const label = (id: string): string => (several ? `${id}  ` : '');
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  // Nobody reads the output any more, but the jobs go on.
  onReaderGone(interrupt);
  const line = new ProgressLine(
    several ? `${following.jobIds.length} open jobs` : 'waiting',
    json ? false : undefined,
  );
  const told = new Map<string, Place & { text: string }>();
  let isSilent = following.onlyWaits === true && !json && !isLive();
  const end: Followed = { outcome: 'final', jobs: [], unseen: [], events: [], cursor: following.cursor };
  try {
    for (let open = following.jobIds; open.length > 0; ) {
      const found = await waitForJobs({
        link,
        host: settings.host,
        registryDir: settings.registryDir,
        jobIds: open,
        until: 'any',
        timeoutMs: Math.max(0, until - performance.now()),
        cursor: end.cursor,
        signal: stop.signal,
        owner: ownerOf(settings),
        onBegin: (record) => several || line.showJob(record),
        onWaiting: () => {
          if (isSilent) note(`waiting for ${named(following.jobIds)}.`);
          isSilent = false;
        },
        onEvent: (message) => {
          end.events.push(message.event);
          line.showEvent(message);
          if (!json)
            line.print(
              [label(message.event.job_id) + eventText(message.event), ...outputOf(message)].join('\n'),
            );
        },
      });
      end.cursor = found.cursor;
      const left = found.jobs.filter((job) => !isOver(job));
      end.jobs.push(...found.jobs.filter(isOver));
      await tellLooks(link, settings, found.jobs);
      tellSeen(link, settings.registryDir, ownerOf(settings), found.jobs);
      const over = found.outcome === 'still_running' || !past;
      for (const job of found.jobs) {
        if (!over && !isOver(job) && !needsAttention(job)) continue;
        const text = [jobText(job), ...(following.onlyWaits === true ? verdictOutput(job) : [])].join('\n');
        const last = told.get(job.job_id);
        // Another job may have ended the wait: then this one is news only if something has happened to itself.
        const isNew = over ? last?.text !== text : isNews(job, last ?? { seq: 0, episode: 0 });
        if (!json && isNew) line.print(text);
        if (isNew) told.set(job.job_id, { seq: job.wake_seq, episode: homeNews(job), text });
      }
      if (over) {
        end.outcome = found.outcome;
        end.jobs.push(...left);
        end.unseen = found.unseen;
        for (const id of json ? [] : found.unseen)
          line.print(`${id}  unknown: the hub has not answered\n  next: mam doctor`);
        break;
      }
      open = left.map((job) => job.job_id);
    }
  } finally {
    line.end();
    process.removeListener('SIGINT', interrupt);
  }
  const goesOn = several ? 'the jobs go on.' : 'the job goes on.';
  if (stop.signal.aborted) note(several ? 'stopped waiting; the jobs go on.' : STOPPED_WAITING);
  else if (end.outcome === 'still_running' && end.jobs.some((job) => !isOver(job)) && !json)
    note(`time is up after ${spanText((timeoutSeconds ?? 0) * 1000)}; ${goesOn}`);
  return end;
}

function named(ids: readonly string[]): string {
  if (ids.length === 1) return `job ${ids[0]}`;
  return `${ids.length} jobs: ${someOf(ids, NAMED_JOBS)}`;
}

/** What a check has printed, if it has sent the job back to its peer. */
function outputOf({ event, status, record }: LogMessage): string[] {
  const { passed, output_tail } = dataOf(event);
  const isSentBack = event.type === 'validated' && passed === false && !isFinal(status as Status);
  return isSentBack && record !== undefined ? checkOutput(record, INDENT, output_tail) : [];
}

/** The verdict that the job's state is about, with what the check has printed. */
function verdictOutput(job: JobRecord): string[] {
  const isAboutCheck = job.reason === 'validation_failed' || openCheckRequest(job) !== undefined;
  const verdict = isAboutCheck && job.validation && verdictText(job.validation);
  return verdict ? [`  validation: ${verdict}`, ...checkOutput(job, INDENT)] : [];
}

/** The answer of the MCP tool wait_job, uncut. */
export function followedJson({ events, cursor, ...end }: Followed) {
  const { jobs, left_out } = briefs(end.jobs, Number.POSITIVE_INFINITY);
  const open = end.jobs.find(needsAttention) ?? end.jobs.find((job) => job.final_at === undefined);
  return {
    summary: waitSummary(end),
    outcome: end.outcome,
    jobs,
    jobs_left_out: left_out,
    events: eventRows(events, Number.POSITIVE_INFINITY),
    cursor: cursor ?? '',
    next: open !== undefined ? nextStep(open) : end.unseen.length > 0 ? 'mam doctor' : 'mam list',
  };
}

/** A job's state and last words on one line, and the next step on another while it is open or its work is in a worktree. */
export function jobText(job: JobRecord): string {
  const said = lastWords(job);
  const words = said === undefined ? '' : `  ${cleanLine(said, WORDS_CHARS)}`;
  const away = awayText(job);
  const host = away === undefined ? '' : `\n  ${away}`;
  const step = job.final_at === undefined || hasWork(job) ? `\n  next: ${nextStep(job)}` : '';
  return `${job.job_id}  ${stateText(job)}${words}${host}${step}`;
}
