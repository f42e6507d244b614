import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, namesIn } from '../../base/folders.ts';
import { parseObject } from '../../base/json.ts';
import { orElse } from '../../base/or-else.ts';
import { startOf } from '../../base/processes.ts';
import { endFamily } from '../../checks/check-family.ts';
import { isLiving, type Owner, thisOwner } from '../../registry/lock.ts';

/** The space that is reserved for a script's note. */
const NOTE_BYTES = 1_024;

/**
 * The validation scripts that are running. They are noted in `MAM_HOME`, where no project can write: the next hub ends what
 * this one left behind, but no process that a job's own files might name.
 */
export class RunningChecks {
  readonly #folder: string;

  /** @param home `MAM_HOME` */
  constructor(home: string) {
    this.#folder = join(home, 'checks');
  }

  /** Reserves space for a script's note before it runs. @throws the system's error: then it must not run */
  reserve(jobId: string): void {
    makeFolder(this.#folder);
    const file = this.#file(jobId);
    try {
      writeFileSync(file, ''.padEnd(NOTE_BYTES), { mode: 0o600 });
    } catch (error) {
      // On a full disk an empty file is left.
      rmSync(file, { force: true });
      throw error;
    }
  }

  /** Notes a running script in the reserved space. @throws the system's error */
  begin(jobId: string, pid: number, mark: string): void {
    const owner = { ...thisOwner(mark), pid, start: startOf(pid) ?? '' };
    writeFileSync(this.#file(jobId), JSON.stringify(owner).padEnd(NOTE_BYTES), { flag: 'r+' });
  }

  /** Removes a note. One that can't be removed names no living process, so the verdict counts all the same. */
  end(jobId: string): void {
    orElse(() => rmSync(this.#file(jobId), { force: true }), undefined);
  }

  /** Ends the scripts that a dead hub left running, with all their processes. Called before this hub runs any. */
  endLeft(): void {
    for (const name of namesIn(this.#folder)) {
      const file = join(this.#folder, name);
      const owner = read(file);
      if (owner !== undefined) endFamily(isLiving(owner) ? owner.pid : undefined, owner.what);
      rmSync(file, { force: true });
    }
  }

  #file(jobId: string): string {
    return join(this.#folder, `${jobId}.json`);
  }
}

/** Undefined for a file that is only partly written: without its start time a process can't be told from another. */
function read(file: string): Owner | undefined {
  const owner: Partial<Owner> = parseObject(orElse(() => readFileSync(file, 'utf8'), ''));
  const { pid = 0, start = '', boot = '', what = '', at = 0 } = owner;
  return pid > 1 && start !== '' && what !== '' ? { pid, start, boot, what, at } : undefined;
}
