import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { isJobId } from '../../base/ids.ts';
import { isObject, parseJson } from '../../base/json.ts';
import { orElse } from '../../base/or-else.ts';
import { writeDurably } from '../../registry/files.ts';
import { type Home, noteError } from '../../registry/home.ts';
import type { Seal } from '../../registry/seal.ts';
import { readForeign, replaceOwn } from '../../trust/files.ts';
import type { HeldParams } from './held-job.ts';

/** `MAM_HOME/held`: one signed file (0600) for each job that is not handed over yet. */
export class HeldFiles {
  readonly #home: Home;
  readonly #seal: Seal;

  constructor(home: Home, seal: Seal) {
    this.#home = home;
    this.#seal = seal;
  }

  /**
   * Writes a job's file, so that it outlives this process; whether it outlives a power cut is known after `keep`.
   * @throws MamError `io` when it can't be written
   */
  put(jobId: string, params: HeldParams): void {
    try {
      replaceOwn(this.#path(jobId), this.#signed(jobId, params));
    } catch (error) {
      throw noteError(this.#home, error);
    }
  }

  /** The same. @returns when it is on the disk @throws MamError `io` when it can't be written */
  async keep(jobId: string, params: HeldParams): Promise<void> {
    try {
      await writeDurably(this.#path(jobId), this.#signed(jobId, params));
    } catch (error) {
      throw noteError(this.#home, error);
    }
  }

  /** What is kept of a job; undefined if its file is missing, damaged, or not a hub's of this home. */
  read(jobId: string): HeldParams | undefined {
    const text = orElse(() => readForeign(this.#path(jobId)), undefined);
    const line = text === undefined ? undefined : this.#seal.open(signerOf(jobId), text);
    const params = line === undefined ? undefined : parseJson(line);
    return isObject(params) ? (params as unknown as HeldParams) : undefined;
  }

  remove(jobId: string): void {
    rmSync(this.#path(jobId), { force: true });
  }

  /** Removes files of jobs that no pointer leads to: their hub was killed before or after the job was there. */
  sweep(): void {
    const { held, live } = this.#home;
    try {
      const open = new Set(readdirSync(live));
      for (const name of readdirSync(held)) {
        const [id = ''] = name.split('.');
        if (isJobId(id) && !open.has(id)) rmSync(join(held, name), { force: true });
      }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  #path(jobId: string): string {
    return join(this.#home.held, `${jobId}.json`);
  }

  #signed(jobId: string, params: HeldParams): string {
    return this.#seal.sign(signerOf(jobId), JSON.stringify(params));
  }
}

/** What signs such a file: no line of a journal proves it. No job id has a blank. */
function signerOf(jobId: string): string {
  return `held ${jobId}`;
}
