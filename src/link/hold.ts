import { isLookWanted } from '../job/new-session.ts';
import { isOwner, type Owner } from '../job/owner.ts';
import type { JobRecord } from '../job/record.ts';
import { isLinePending, isWakePending } from '../job/wake.ts';
import type { Link } from './link.ts';

/** How often (ms) a wait is renewed at the hub, which honours it somewhat longer than that. */
const RENEW_MS = 1_000;

/**
 * Keeps the hub from typing into a supervisor's pane what a wait of the same session is about to report. It is never
 * revoked: when the wait ends for any reason, it is no longer renewed, and the line is typed soon after.
 * @param owner the client session that waits; only its own jobs count
 */
export function holdWakes(
  link: Link,
  registryDir: string,
  owner: Owner | undefined,
  records: () => JobRecord[],
): { renew(): void; end(): void } {
  const renew = (): void => {
    if (!link.connected) return;
    for (const [session, jobs] of ownDebts(records().filter(isLinePending), owner)) {
      const ids = jobs.map(({ job_id }) => job_id);
      // At worst the state is reported twice.
      link.request('hold', { registry_dir: registryDir, session, job_ids: ids }, RENEW_MS).catch(() => {});
    }
  };
  const timer = setInterval(renew, RENEW_MS).unref();
  return { renew, end: () => clearInterval(timer) };
}

/**
 * Tells the hub which job states a client session has seen, so that they are not typed into its pane, and sessions that
 * wait for a look at the end of their job can be ended.
 */
export function tellSeen(link: Link, registryDir: string, owner: Owner, shown: JobRecord[]): void {
  for (const [session, records] of ownDebts(shown, owner)) tell(link, registryDir, session, records);
}

/**
 * Tells the hub that a person has looked at jobs, for those whose session waits for that.
 * @param session of the person's shell
 * @returns when the hub knows @throws as `Link.request`
 */
export async function tellLook(
  link: Pick<Link, 'request'>,
  registryDir: string,
  session: string,
  shown: JobRecord[],
): Promise<void> {
  const jobs = shown.filter(isLookWanted).map(({ job_id, seq }) => ({ job_id, seq }));
  if (jobs.length > 0)
    await link.request('seen', { registry_dir: registryDir, session, jobs, by_person: true });
}

function tell(link: Link, registryDir: string, session: string, records: JobRecord[]): void {
  const jobs = records.map(({ job_id, seq }) => ({ job_id, seq }));
  link.request('seen', { registry_dir: registryDir, session, jobs }).catch(() => {});
}

/** The jobs by the session that delegated them, which may be an earlier one in the owner's pane. */
function ownDebts(records: JobRecord[], owner: Owner | undefined): Map<string, JobRecord[]> {
  const debts = new Map<string, JobRecord[]>();
  for (const record of records) {
    const { session } = record.supervisor;
    if (owner === undefined || !isOwner(record.supervisor, owner) || !isSeenWanted(record)) continue;
    debts.set(session, [...(debts.get(session) ?? []), record]);
  }
  return debts;
}

function isSeenWanted(record: JobRecord): boolean {
  return isWakePending(record) || isLookWanted(record);
}
