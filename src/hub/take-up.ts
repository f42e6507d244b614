import type { Log } from '../base/log.ts';
import { isSettled } from '../job/apply.ts';
import { type Home, readPointers } from '../registry/home.ts';
import type { Brokers } from './brokers.ts';
import type { Dispatcher } from './delivery/dispatcher.ts';
import type { LiveJob } from './jobs/live-job.ts';
import type { Registrar } from './jobs/registrar.ts';
import type { Life } from './life.ts';
import type { PartsInOrder } from './part.ts';
import type { Inbox } from './reports/inbox.ts';

/** Takes up the jobs that the last hub left, and those whose registry is back. */
export class TakeUp {
  readonly #with;
  #isRunning = false;

  constructor(parts: {
    home: Home;
    log: Log;
    life: Life;
    registrar: Registrar;
    brokers: Brokers;
    inbox: Inbox;
    dispatcher: Dispatcher;
    parts: PartsInOrder;
  }) {
    this.#with = parts;
  }

  /** Finds what the last hub left. @param isLiveLost the pointers were removed, so the jobs are searched for */
  async find(isLiveLost: boolean): Promise<LiveJob[]> {
    const { home, log, registrar } = this.#with;
    const { search } = registrar.missing;
    const pointers = readPointers(home);
    const wasKilled = search.wasKilled();
    const isLost = isLiveLost || pointers.some(({ registryDir }) => registryDir === '');
    // In parallel: a registry that can't be opened must not keep the hub from the others.
    const taken = await Promise.all(pointers.map((pointer) => registrar.missing.resume(pointer)));
    const found = taken.filter((job) => job !== undefined);
    // Some of the pointers may be lost: the search goes on while clients are served.
    if (!isLost && pointers.length > 0) {
      if (wasKilled) search.all(false).catch((error) => log.error('open jobs were not searched for', error));
      return found;
    }
    if (isLost || wasKilled) await search.all(isLost);
    return [...found, ...(await registrar.missing.comeBack())];
  }

  /** Reserves their panes; nothing is done there yet. */
  holdPanes(jobs: LiveJob[]): void {
    this.#with.dispatcher.takeUp(homeJobs(jobs).filter(({ record }) => !isSettled(record)));
  }

  /** Continues with the jobs, once all reports on them are recorded. */
  async goOn(jobs: LiveJob[]): Promise<void> {
    const { inbox, life, parts } = this.#with;
    await inbox.drain();
    if (!life.isOver) parts.resume(jobs);
  }

  /** Runs every second: takes up jobs whose registry is back. */
  async again(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      const back = await this.#with.registrar.missing.comeBack();
      if (back.length === 0) return;
      this.#with.brokers.show(homeJobs(back));
      this.holdPanes(back);
      await this.goOn(back);
    } finally {
      this.#isRunning = false;
    }
  }
}

/** The jobs that run on this machine: only they have a pane here. */
export function homeJobs(jobs: readonly LiveJob[]): LiveJob[] {
  return jobs.filter(({ replica }) => replica === undefined);
}
