import type { JobRecord } from '../job/record.ts';
import { owesLine, owesWake } from '../job/wake.ts';
import type { Link } from './link.ts';

/** So often (ms) the hub is told again that a wait is in force: it believes it for somewhat longer. */
const RENEW_MS = 1_000;

/**
 * Keeps the hub from typing into a supervisor's pane what a wait of the same session is about to tell. Nothing takes it
 * back: a wait that was given up, whatever ended it, stops saying so, and soon the line is typed.
 * @param session the client session that waits; its own jobs are meant
 * @param records how the jobs that are waited for stand now
 */
export function holdWakes(
  link: Link,
  registryDir: string,
  session: string | undefined,
  records: () => JobRecord[],
): { renew(): void; end(): void } {
  const renew = (): void => {
    const jobIds = ownDebts(records(), session)
      .filter(owesLine)
      .map(({ job_id }) => job_id);
    if (jobIds.length === 0 || session === undefined || !link.connected) return;
    // At worst it is told twice.
    link.request('hold', { registry_dir: registryDir, session, job_ids: jobIds }, RENEW_MS).catch(() => {});
  };
  const timer = setInterval(renew, RENEW_MS);
  timer.unref();
  return { renew, end: () => clearInterval(timer) };
}

/** Tells the hub how jobs stood when a client session was shown them: that is not typed into its pane any more. */
export function tellSeen(link: Link, registryDir: string, session: string, shown: JobRecord[]): void {
  const jobs = ownDebts(shown, session).map(({ job_id, seq }) => ({ job_id, seq }));
  if (jobs.length === 0) return;
  link.request('seen', { registry_dir: registryDir, session, jobs }).catch(() => {});
}

function ownDebts(records: JobRecord[], session: string | undefined): JobRecord[] {
  return records.filter((record) => record.supervisor.session === session && owesWake(record));
}
