import { isOwner, type Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import { owesLine, owesWake } from '../job/wake.ts';
import type { Link } from './link.ts';

/** So often (ms) the hub is told again that a wait is in force: it believes it for somewhat longer. */
const RENEW_MS = 1_000;

/**
 * Keeps the hub from typing into a supervisor's pane what a wait of the same session is about to tell. Nothing takes it
 * back: a wait that was given up, whatever ended it, stops saying so, and soon the line is typed.
 * @param owner who waits; their own jobs are meant
 * @param records how the jobs that are waited for stand now
 */
export function holdWakes(
  link: Link,
  registryDir: string,
  owner: Owner | undefined,
  records: () => JobRecord[],
): { renew(): void; end(): void } {
  const renew = (): void => {
    if (!link.connected) return;
    for (const [session, jobs] of ownDebts(records().filter(owesLine), owner)) {
      const ids = jobs.map(({ job_id }) => job_id);
      // At worst it is told twice.
      link.request('hold', { registry_dir: registryDir, session, job_ids: ids }, RENEW_MS).catch(() => {});
    }
  };
  const timer = setInterval(renew, RENEW_MS);
  timer.unref();
  return { renew, end: () => clearInterval(timer) };
}

/** Tells the hub how jobs stood when a client session was shown them: that is not typed into its pane any more. */
export function tellSeen(link: Link, registryDir: string, owner: Owner, shown: JobRecord[]): void {
  for (const [session, records] of ownDebts(shown, owner)) {
    const jobs = records.map(({ job_id, seq }) => ({ job_id, seq }));
    link.request('seen', { registry_dir: registryDir, session, jobs }).catch(() => {});
  }
}

/** By the session that has delegated them: it may be an earlier one in the owner's pane. */
function ownDebts(records: JobRecord[], owner: Owner | undefined): Map<string, JobRecord[]> {
  const debts = new Map<string, JobRecord[]>();
  for (const record of records) {
    const { supervisor } = record;
    if (owner === undefined || !isOwner(supervisor, owner) || !owesWake(record)) continue;
    debts.set(supervisor.session, [...(debts.get(supervisor.session) ?? []), record]);
  }
  return debts;
}
