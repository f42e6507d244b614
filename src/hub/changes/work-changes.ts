import { setPriority } from 'node:os';
import type { Log } from '../../base/log.ts';
import { orElse } from '../../base/or-else.ts';
import { within } from '../../base/within.ts';
import { readHead } from '../../git/read-head.ts';
import { type GitEnvironment, hasGit } from '../../git/run-git.ts';
import { mayBeInGit } from '../../git/worktree-around.ts';
import { isSettled } from '../../job/apply.ts';
import { type JobChanges, lacksEndLook } from '../../job/changes.ts';
import { isHeld } from '../../job/held.ts';
import { isFinal } from '../../job/words.ts';
import type { Seal } from '../../registry/seal.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { changesText, overlapText, startText } from '../../view/changes.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { fitChanges } from './fit-changes.ts';
import { type Begin, type Look, lookAtEnd, lookAtStart } from './look-at-job.ts';
import { LooksInTurn } from './looks-in-turn.ts';
import { keepNames, seenAtStart } from './names.ts';
import { Overlaps } from './overlaps.ts';

/** A job whose order does not move is looked at after this time, in ms: as long as a delegation waits for it. */
const SOON_MS = 5_000;
/** As `nice` without a number: what people wait for goes first. */
const NICENESS = 10;

/**
 * Records what git says about a job's folder when the job begins, and when it has ended. Nobody waits for that: not the
 * delegation, not those who wait for the end.
 */
export class WorkChanges {
  readonly #with: { registrar: Registrar; log: Log };
  readonly #turns = new LooksInTurn();
  readonly #overlaps: Overlaps;
  readonly #stop = new AbortController();
  readonly #how: GitEnvironment;
  /** What begins the look at a job that has just begun, by the job's id. */
  readonly #begun = new Map<string, () => void>();
  /** The last look at each job that is being looked at. */
  readonly #looking = new Map<string, Promise<void>>();

  constructor(parts: { registrar: Registrar; seal: Seal; log: Log }) {
    this.#with = parts;
    const started = (pid: number) => orElse(() => setPriority(pid, NICENESS), undefined);
    this.#how = { env: scrubbedEnvironment(), stop: this.#stop.signal, started };
    this.#overlaps = new Overlaps(parts.registrar, parts.seal, this.#how);
  }

  /** True while a folder is being looked at. */
  get hasWork(): boolean {
    return this.#looking.size + this.#begun.size > 0;
  }

  onRecorded(job: LiveJob, { before, after }: Recorded): void {
    const began = before === undefined ? !isHeld(after) : isHeld(before) && !isHeld(after);
    if (began && !isFinal(after.status)) this.#begin(job);
    // What people wait for goes first: git is run once the order is on its way, or has to wait.
    else if (after.submitted_at !== undefined || after.blocked_by !== undefined || isFinal(after.status))
      this.#begun.get(job.id)?.();
    const isLate = before?.late === false && after.late;
    if (isSettled(after) && before !== undefined && (!isSettled(before) || isLate))
      this.#next(job, () => this.#lookAtEnd(job));
  }

  /** A job of which the last hub has not seen the start can still be seen as it is, if it was not handed over. */
  resume(job: LiveJob): void {
    const { record } = job;
    const isBegun = isHeld(record) || record.delivery.some(({ stage }) => stage === 'pasting');
    if (record.changes === undefined && !isBegun) this.#begin(job);
  }

  /** Those that have ended, and were not looked at since. */
  resumeAll(jobs: LiveJob[]): void {
    for (const job of jobs)
      if (!job.isHistory && lacksEndLook(job.record.changes, isSettled(job.record)))
        this.#next(job, () => this.#lookAtEnd(job));
  }

  /** Waits for the look at a job that has ended. @returns when it is recorded, or after this time in ms */
  async settled(jobId: string, ms: number): Promise<void> {
    const looking = this.#looking.get(jobId);
    const job = this.#with.registrar.held(jobId);
    if (looking !== undefined && job !== undefined && isSettled(job.record)) await within(looking, ms);
  }

  /** Ends the looks; the next hub makes those that are still due. */
  stop(): void {
    this.#stop.abort();
    // Their starts are not known: the next hub says so.
    this.#begun.clear();
  }

  /** Notes what is checked out, at once, and looks at the rest soon. */
  #begin(job: LiveJob): void {
    const { workdir } = job.record;
    if (this.#begun.has(job.id) || !mayBeInGit(workdir)) return;
    const begin = { at: new Date().toISOString(), head: readHead(workdir) };
    const look = (): void => {
      clearTimeout(timer);
      this.#begun.delete(job.id);
      this.#next(job, () => this.#lookAtStart(job, begin));
    };
    const timer = setTimeout(look, SOON_MS).unref();
    this.#begun.set(job.id, look);
  }

  /** Looks after the looks at this job that are under way. */
  #next(job: LiveJob, look: () => Promise<void>): void {
    if (this.#stop.signal.aborted || !hasGit(this.#how)) return;
    const before = this.#looking.get(job.id) ?? Promise.resolve();
    const done = before.then(look).catch((error: unknown) => {
      if (!this.#stop.signal.aborted)
        this.#with.log.error(`what changed in the folder of ${job.id} was not looked at`, error);
    });
    this.#looking.set(job.id, done);
    void done.then(() => {
      if (this.#looking.get(job.id) === done) this.#looking.delete(job.id);
    });
  }

  async #lookAtStart(job: LiveJob, begin: Begin): Promise<void> {
    const look = await lookAtStart(job.record.workdir, begin, { turns: this.#turns, how: this.#how });
    if (look === undefined || this.#stop.signal.aborted) return;
    const names_sha256 = await keepNames(job, look.start?.dirty);
    const changes = fitChanges({ ...look, ...(look.start && { start: { ...look.start, names_sha256 } }) });
    await this.#with.registrar.note(job, 'changes', { detail: startText(changes), data: { changes } });
  }

  async #lookAtEnd(job: LiveJob): Promise<void> {
    const { changes: before, submitted_at } = job.record;
    // It never began.
    if (before === undefined && submitted_at === undefined) return;
    const looker = { turns: this.#turns, how: this.#how };
    const seen = await lookAtEnd(job.record.workdir, seenAtStart(job), looker);
    // Someone has removed the repository: without a word of that, each hub would look again.
    const { changed, ...look } = seen ?? (before?.start && withoutRepository(before)) ?? {};
    if (!isFound(look) || this.#stop.signal.aborted) return;
    const changes = fitChanges({ ...look, names_sha256: await keepNames(job, changed) });
    const whole = { ...changes, start: before?.start };
    const detail = `In its folder, between its start and its end: ${changesText(whole)}.`;
    await this.#with.registrar.note(job, 'changes', { detail, data: { changes } });
    const overlaps = await this.#overlaps.find(job);
    if (overlaps.length > 0 && !this.#stop.signal.aborted)
      await this.#with.registrar.note(job, 'overlaps', { detail: overlapText(overlaps), data: { overlaps } });
  }
}

function withoutRepository({ top, repository = '' }: JobChanges): Look {
  return { top, repository, unknown: 'the folder is no longer in a git repository' };
}

function isFound(look: Partial<Look>): look is Look {
  return look.top !== undefined;
}
