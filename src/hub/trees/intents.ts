import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MamError, systemCode } from '../../base/errors.ts';
import { makeFolder, namesIn } from '../../base/folders.ts';
import { isJobId } from '../../base/ids.ts';
import { isObject, parseJson } from '../../base/json.ts';
import { orElse } from '../../base/or-else.ts';
import type { MergeIntent } from '../../git/merge.ts';
import { writeDurably } from '../../registry/files.ts';

/** What is about to be done with the work of a job. */
export type Intent = { registry_dir: string; repository: string; by: 'supervisor' | 'person' } & (
  | { kind: 'merge'; merge: MergeIntent }
  /** `at`: when the worktree was looked at, in ms since 1970; `commit`: of the branch that is deleted as well. */
  | { kind: 'discard'; at: number; branch: string; commit?: string | undefined }
);

/** `MAM_HOME/trees`: one file (0600) for each merge and each removal that has begun, for whoever comes after a crash. */
export class Intents {
  readonly #folder: string;

  /** @param home `MAM_HOME` */
  constructor(home: string) {
    this.#folder = join(home, 'trees');
  }

  /** Notes what is about to be done. @returns when it is on the disk @throws MamError `io`: then it must not be done */
  async put(jobId: string, intent: Intent): Promise<void> {
    try {
      makeFolder(this.#folder);
      await writeDurably(this.#path(jobId), JSON.stringify(intent));
    } catch (error) {
      const what = `${this.#folder} can't be written (${systemCode(error) ?? 'unknown error'}). Nothing was changed.`;
      throw new MamError(
        'io',
        what,
        'Without a note a crash in the middle could not be mended: make room there.',
      );
    }
  }

  /** What was about to be done when the last hub ended; undefined if nothing was. */
  of(jobId: string): Intent | undefined {
    const text = orElse(() => readFileSync(this.#path(jobId), 'utf8'), undefined);
    const intent = text === undefined ? undefined : parseJson(text);
    return isObject(intent) ? (intent as unknown as Intent) : undefined;
  }

  /** The jobs with a note. */
  get jobs(): string[] {
    return namesIn(this.#folder)
      .map((name) => name.replace(/\.json$/, ''))
      .filter((name) => isJobId(name));
  }

  /** It is done, or undone. */
  remove(jobId: string): void {
    rmSync(this.#path(jobId), { force: true });
    rmSync(this.output(jobId), { force: true });
  }

  /** Where git and the hooks print to. */
  output(jobId: string): string {
    return join(this.#folder, `${jobId}.out`);
  }

  #path(jobId: string): string {
    return join(this.#folder, `${jobId}.json`);
  }
}
