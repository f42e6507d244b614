import type { Log } from '../../base/log.ts';
import type { PerRepository } from '../../git/per-repository.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { Diffs } from './diffs.ts';
import { Discards } from './discards.ts';
import { Intents } from './intents.ts';
import { Merges } from './merges.ts';

/** What is done with the work of jobs in git: it is shown, merged and discarded. */
export class Trees {
  readonly #with;
  readonly #diffs: Diffs;
  readonly #merges: Merges;
  readonly #discards: Discards;
  readonly #intents: Intents;
  /** By request id: a client whose connection was lost asks again, and joins what is in progress. */
  readonly #running = new Map<string, Promise<unknown>>();

  /** @param parts.home `MAM_HOME` @param parts.perRepository shared by all that changes a repository */
  constructor(parts: { registrar: Registrar; home: string; log: Log; perRepository: PerRepository }) {
    const { registrar, home, perRepository } = parts;
    this.#with = parts;
    this.#intents = new Intents(home);
    this.#diffs = new Diffs(registrar);
    this.#merges = new Merges({ registrar, intents: this.#intents, perRepository });
    this.#discards = new Discards({ registrar, intents: this.#intents, perRepository });
  }

  /** True while a merge or a removal runs. */
  get hasWork(): boolean {
    return this.#running.size > 0;
  }

  /** @throws MamError as `Diffs.diff` */
  diff: Diffs['diff'] = (params) => this.#diffs.diff(params);

  /** @throws MamError as `Merges.merge` */
  merge(params: Parameters<Merges['merge']>[0], requestId: string): ReturnType<Merges['merge']> {
    return this.#once(requestId, () => this.#merges.merge(params));
  }

  /** @throws MamError as `Discards.discard` */
  discard(params: Parameters<Discards['discard']>[0], requestId: string): ReturnType<Discards['discard']> {
    return this.#once(requestId, () => this.#discards.discard(params));
  }

  /** Records merges that have reached their end although the last hub was killed. */
  resumeAll(): void {
    const { registrar, log } = this.#with;
    for (const id of this.#intents.jobs) {
      const intent = this.#intents.of(id);
      if (intent?.kind !== 'merge') continue;
      void registrar
        .findOwn(id, intent.registry_dir)
        .then((job) => this.#merges.lookAtLast(job))
        .catch((error) => log.error(`the merge of ${id} that was begun before can't be looked at`, error));
    }
  }

  stop(): void {
    this.#diffs.stop();
  }

  #once<T>(requestId: string, run: () => Promise<T>): Promise<T> {
    const known = this.#running.get(requestId);
    if (known !== undefined) return known as Promise<T>;
    const running = run().finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, running);
    return running;
  }
}
