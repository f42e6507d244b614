import type { JobRecord } from '../../job/record.ts';
import { isWakePending, wakeLine } from '../../job/wake.ts';
import { listedIds } from '../../link/listed-ids.ts';
import type { HubConnection } from '../session/engine.ts';
import { logError } from '../wire/stderr.ts';
import type { Notify } from './offers.ts';

/** How long changes are collected into one message, in ms; changes that a wait has reported by then are left out. */
const MESSAGE_DELAY_MS = 1_000;

/**
 * Notifies Claude Code's model over its channel about its session's jobs, past changes included, while it is not
 * waiting for them. One message per change that needs attention; the journal records it first (`notified`), because
 * nobody acknowledges messages.
 */
export function openChannel(hub: HubConnection, session: string, notify: Notify): void {
  /** Job ids that will be checked soon. */
  const due = new Set<string>();

  hub.onWaited((jobIds) => {
    for (const id of jobIds) lookSoon(id);
  });
  hub.hear(undefined, (message) => {
    if (message === undefined) lookBack().catch(failed);
    else if (message.record !== undefined && isOwed(message.record)) lookSoon(message.record.job_id);
  });

  function isOwed(record: JobRecord): boolean {
    return record.supervisor.session === session && record.notify === undefined && isWakePending(record);
  }

  async function lookBack(): Promise<void> {
    const filter = { registry_dir: hub.settings.registryDir, session, untold: true };
    for (const id of await listedIds((page) => hub.peek('list', page), filter)) lookSoon(id);
  }

  function lookSoon(jobId: string): void {
    if (due.has(jobId)) return;
    due.add(jobId);
    setTimeout(() => {
      due.delete(jobId);
      report(jobId).catch(failed);
    }, MESSAGE_DELAY_MS).unref();
  }

  async function report(jobId: string): Promise<void> {
    const address = { job_id: jobId, registry_dir: hub.settings.registryDir };
    const { record: before } = await hub.peek('status', address);
    if (!isOwed(before) || hub.waitsFor(jobId)) return;
    const { record, told } = await hub.peek('status', { ...address, seen_by: session, told: 'channel' });
    // Meanwhile the model has looked, or another server of its session has notified it.
    if (told !== true) return;
    const { status, blocked_by, reason = blocked_by, agent } = record;
    const meta = { job_id: jobId, status, ...(reason !== undefined && { reason }), agent };
    const content = wakeLine([record]);
    await notify({ method: 'notifications/claude/channel', params: { content, meta } });
  }
}

/** Messages that could not be sent stay in the journal and are sent after the next connection. */
function failed(error: unknown): void {
  logError('channel', error);
}
