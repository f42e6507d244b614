import type { Log } from '../../base/log.ts';
import { isSettled } from '../../job/apply.ts';
import { lacksEndLook } from '../../job/changes.ts';
import { isOver } from '../../job/home-state.ts';
import { isSessionLeft } from '../../job/new-session.ts';
import { isComplete } from '../../job/replica.ts';
import { isLinePending } from '../../job/wake.ts';
import { isFinal } from '../../job/words.ts';
import type { Home, Pointer } from '../../registry/home.ts';
import { inodeAt } from '../../registry/paths.ts';
import type { Seal } from '../../registry/seal.ts';
import type { AwayJobs } from './away-jobs.ts';
import type { HeldEvents } from './held-events.ts';
import type { LiveJob } from './live-job.ts';
import type { OpenRegistries } from './open-registries.ts';
import type { Pointers } from './pointers.ts';

/** How many ended jobs stay in memory for late reports and requests, and how much they may take, in bytes. */
const KEPT_FINAL = 200;
const KEPT_BYTES = 4 * 1024 * 1024;

/** The jobs in memory by their ids: all open ones, and those that ended last. */
export class HeldJobs extends Map<string, LiveJob> {
  /** The open jobs whose home this hub is: what drives panes, reports and checks knows no others. */
  get open(): LiveJob[] {
    return [...this.values()].filter(
      ({ replica, record }) => replica === undefined && !isFinal(record.status),
    );
  }

  /** The copies of other hosts' jobs that are not complete yet. */
  get replicas(): LiveJob[] {
    return [...this.values()].filter(({ replica }) => replica !== undefined && !isComplete(replica));
  }

  /** The jobs of both kinds that are not over. */
  get unfinished(): LiveJob[] {
    return [...this.values()].filter(({ record }) => !isOver(record));
  }

  in(registryDir: string): LiveJob[] {
    return [...this.values()].filter((job) => job.registryDir === registryDir);
  }

  openIn(registryDir: string): LiveJob[] {
    return this.in(registryDir).filter(({ record }) => !isOver(record));
  }

  /** Forgets the oldest ended jobs when there are too many: they are on disk. @returns the forgotten ones */
  forgetOldest(mayGo: (job: LiveJob) => boolean): LiveJob[] {
    const ended = [...this.values()].filter(mayGo);
    let kept = 0;
    const first = ended.findLastIndex((job, place) => {
      kept += job.weight;
      return kept > KEPT_BYTES || ended.length - place > KEPT_FINAL;
    });
    const gone = ended.slice(0, first + 1);
    for (const job of gone) this.delete(job.id);
    return gone;
  }
}

/** Writes what belongs to jobs outside of their journals. */
export interface Outlets {
  /** True while something of a job is still to be written. */
  isBusy(job: LiveJob): boolean;
  /** A job was read whose `job.json` is behind its journal. */
  catchUp(job: LiveJob): void;
  clear(jobId: string): void;
}

/** Shared by everything that finds, writes and forgets jobs. */
export interface Store {
  home: Home;
  seal: Seal;
  log: Log;
  outlets: Outlets;
  jobs: HeldJobs;
  registries: OpenRegistries;
  pointers: Pointers;
  late: HeldEvents;
  /** Live jobs that can't be read now. */
  away: AwayJobs;
  /** Live jobs that only an earlier key of this home proves. */
  unproven: Map<string, Pointer>;
  /** Jobs that are being read, by their ids. */
  loading: Map<string, Promise<LiveJob>>;
}

export function pointerOf({ id, registryDir, registryInode: inode }: LiveJob): Pointer {
  return { jobId: id, registryDir, note: { inode } };
}

/** True while another folder, or none, is at the path of a job's registry. */
export function isMissing({ registryDir, registryInode }: LiveJob): boolean {
  return inodeAt(registryDir) !== registryInode;
}

/** True for a job for which the hub has nothing left to do. */
export function isAtRest({ record, replica, isHistory }: LiveJob): boolean {
  const isOurs = replica === undefined && !isHistory;
  if (isOurs && lacksEndLook(record.changes, isSettled(record))) return false;
  const isDone = replica === undefined ? isSettled(record) : isComplete(replica);
  const isLeft = replica === undefined && isSessionLeft(record);
  return isDone && !isLeft && !isLinePending(record) && record.notifying === undefined;
}
