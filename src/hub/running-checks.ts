import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOf } from '../processes.ts';
import { isLiving, type Owner, thisOwner } from '../registry/lock.ts';
import { endFamily } from './check-family.ts';

/**
 * Which validation scripts run. It stands in `MAM_HOME`, where no project can write: a next hub ends what this one left
 * behind, and no process that a job's own files name.
 */
export class RunningChecks {
  private readonly folder: string;

  /** @param home `MAM_HOME` */
  constructor(home: string) {
    this.folder = join(home, 'checks');
  }

  begin(jobId: string, pid: number, mark: string): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const owner = { ...thisOwner(mark), pid, start: startOf(pid) ?? '' };
    writeFileSync(this.file(jobId), JSON.stringify(owner), { mode: 0o600 });
  }

  end(jobId: string): void {
    rmSync(this.file(jobId), { force: true });
  }

  /** Ends the script that a dead hub has left running for a job, with all that it started. */
  endLeft(jobId: string): void {
    let owner: Owner;
    try {
      owner = JSON.parse(readFileSync(this.file(jobId), 'utf8')) as Owner;
    } catch {
      return;
    }
    const { pid, start, what: mark } = owner;
    endFamily(start !== '' && isLiving(owner) ? pid : undefined, mark);
    this.end(jobId);
  }

  private file(jobId: string): string {
    return join(this.folder, `${jobId}.json`);
  }
}
