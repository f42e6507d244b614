import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isOnRef } from '../../git/between.ts';
import { isIn } from '../../git/place.ts';
import type { GitEnvironment } from '../../git/run-git.ts';
import type { GitLook, JobChanges, Overlap } from '../../job/changes.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal, type Status } from '../../job/words.ts';
import { readOwnRecord } from '../../registry/own-record.ts';
import { jobPaths } from '../../registry/paths.ts';
import type { Seal } from '../../registry/seal.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { fitting } from './fit-changes.ts';
import { changedNames } from './names.ts';

/** How many jobs that have ended are compared with the next one: the newest. */
const MOST_KNOWN = 200;
/** How many of them are read after the start of a hub, from each registry. */
const MOST_READ = 100;
/** How many jobs are named at most, and how much their names and files may take together, in bytes as JSON. */
const MOST_NAMED = 10;
const LISTS_BYTES = 2_500;

/** What is known of a job that has ended. */
interface Ended {
  id: string;
  registryDir: string;
  /** The host that has delegated it, if it is another one. */
  from: string | undefined;
  changes: Omit<JobChanges, 'start' | 'end'> & { start: GitLook; end: GitLook };
}

/** Finds jobs that changed the same files as one that has just ended. */
export class Overlaps {
  readonly #registrar: Registrar;
  readonly #seal: Seal;
  readonly #how: GitEnvironment;
  /** By id, oldest first. */
  readonly #ended = new Map<string, Ended>();
  readonly #read = new Set<string>();
  /** One job after the other: of two that end together, the second one finds the first. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(registrar: Registrar, seal: Seal, how: GitEnvironment) {
    this.#registrar = registrar;
    this.#seal = seal;
    this.#how = how;
  }

  /**
   * Compares a job with those that ended before it; later ones are compared with it.
   * @returns those that changed the same files: those in one folder at the same time, and those in other worktrees of the
   *   repository whose work it does not have
   * @throws MamError `unavailable` if git can't say
   */
  find(job: LiveJob): Promise<Overlap[]> {
    const found = this.#last.then(() => this.#find(job));
    this.#last = found.catch(() => {});
    return found;
  }

  async #find({ id, registryDir, record }: LiveJob): Promise<Overlap[]> {
    await this.#readEarlier(registryDir);
    const one = endedOf(id, registryDir, record);
    if (one === undefined) return [];
    this.#ended.delete(id);
    const names = new Set(changedNames(registryDir, id, one.changes));
    const room = { left: LISTS_BYTES };
    const found: Overlap[] = [];
    for (const other of names.size === 0 ? [] : [...this.#ended.values()].reverse()) {
      if (found.length >= MOST_NAMED) break;
      // Another host hears of the jobs that it has delegated itself, and of no others.
      if (one.from !== undefined && other.from !== one.from) continue;
      if (!(await this.#concerns(one, other))) continue;
      const both = changedNames(other.registryDir, other.id, other.changes).filter((name) => names.has(name));
      if (both.length === 0 || (await this.#isSettled(one, other))) continue;
      found.push({
        job_id: other.id,
        ...(isSameFolder(one, other) && { same_folder: true }),
        files: fitting(both, room),
        count: both.length,
      });
    }
    this.#keep(one);
    return found;
  }

  /** True for a job in the same repository at the same time, or in another worktree at any time. */
  async #concerns(one: Ended, other: Ended): Promise<boolean> {
    if (one.changes.repository !== other.changes.repository) return false;
    await nextTurn();
    return !isSameFolder(one, other) || other.changes.end.at >= one.changes.start.at;
  }

  /** True if the other's work is already in this one's, or is nowhere any more. */
  async #isSettled(one: Ended, other: Ended): Promise<boolean> {
    if (isSameFolder(one, other)) return false;
    const { top, start, end } = one.changes;
    const theirs = other.changes;
    const left = theirs.end.dirty?.some(({ as_at_start: isOld }) => isOld !== true) === true;
    // What was not committed is where it was.
    if (left && existsSync(theirs.top)) return false;
    const commit = theirs.end.head;
    if (commit === undefined || (theirs.commit_count ?? 0) === 0) return true;
    for (const mine of [start.head, end.head])
      if (mine !== undefined && (await isIn(top, commit, mine, this.#how))) return true;
    return !(await isOnRef(top, commit, this.#how));
  }

  #keep(one: Ended): void {
    this.#ended.set(one.id, one);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= MOST_KNOWN) return;
      this.#ended.delete(oldest);
    }
  }

  /** Reads the newest jobs of a registry that an earlier hub has seen end, once. */
  async #readEarlier(registryDir: string): Promise<void> {
    if (this.#read.has(registryDir)) return;
    this.#read.add(registryDir);
    const rows = (await this.#registrar.index(registryDir)).newest(MOST_READ).reverse();
    for (const { job_id: id, status } of rows) {
      if (!isFinal(status as Status) || this.#ended.has(id)) continue;
      await nextTurn();
      const record = readOwnRecord(jobPaths(registryDir, id), id, this.#seal);
      const ended = record === undefined ? undefined : endedOf(id, registryDir, record);
      if (ended !== undefined) this.#keep(ended);
    }
  }
}

function isSameFolder(one: Ended, other: Ended): boolean {
  return one.changes.top === other.changes.top;
}

function endedOf(id: string, registryDir: string, record: JobRecord): Ended | undefined {
  const { changes, supervisor, home } = record;
  const { start, end } = changes ?? {};
  if (home !== undefined || changes === undefined || start === undefined || end === undefined)
    return undefined;
  return { id, registryDir, from: supervisor.host, changes: { ...changes, start, end } };
}
