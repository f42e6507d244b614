import { listOutbox, type OutboxFile, readOutboxClaim } from '../../src/bus/spool/outbox.ts';
import type { Claim } from '../../src/job/claim.ts';

/** All events of an outbox, in the order in which they were kept. */
export async function readOutbox(folder: string): Promise<(OutboxFile & { claim: Claim })[]> {
  const entries: (OutboxFile & { claim: Claim })[] = [];
  for (const entry of await listOutbox(folder)) {
    const claim = await readOutboxClaim(entry.file);
    if (claim !== undefined) entries.push({ ...entry, claim });
  }
  return entries;
}
