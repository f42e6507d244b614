import type { JobRecord } from '../../job/record.ts';
import { owesWake, wakeLine } from '../../job/wake.ts';
import { listedIds } from '../../link/listed-ids.ts';
import type { HubConnection } from '../session/engine.ts';
import { logError } from '../wire/stderr.ts';
import type { Notify } from './offers.ts';

/** What changes more than once within this time, in ms, is told once, and what a wait has answered by then not at all. */
const GATHER_MS = 1_000;

/**
 * Tells Claude Code's model of its jobs while it does not wait for them, over the channel that the server is to it.
 * One message for each change that needs it: the journal says so first (`notified`), because nobody acknowledges them.
 */
export class Channel {
  readonly #hub: HubConnection;
  readonly #session: string;
  readonly #notify: Notify;
  /** Job ids that are looked at soon. */
  readonly #due = new Set<string>();

  constructor(hub: HubConnection, session: string, notify: Notify) {
    this.#hub = hub;
    this.#session = session;
    this.#notify = notify;
  }

  /** Follows the session's jobs from now on, and tells what it has missed. */
  begin(): void {
    this.#hub.onWaited((jobIds) => {
      for (const id of jobIds) this.#soon(id);
    });
    this.#hub.hear(undefined, (message) => {
      if (message === undefined) this.#lookBack().catch(failed);
      else if (message.record !== undefined && this.#owes(message.record)) this.#soon(message.record.job_id);
    });
  }

  #owes(record: JobRecord): boolean {
    const { notify, supervisor } = record;
    return supervisor.session === this.#session && notify === undefined && owesWake(record);
  }

  async #lookBack(): Promise<void> {
    const filter = { registry_dir: this.#hub.settings.registryDir, session: this.#session, untold: true };
    for (const id of await listedIds((page) => this.#hub.peek('list', page), filter)) this.#soon(id);
  }

  #soon(jobId: string): void {
    if (this.#due.has(jobId)) return;
    this.#due.add(jobId);
    setTimeout(() => {
      this.#due.delete(jobId);
      this.#tell(jobId).catch(failed);
    }, GATHER_MS).unref();
  }

  async #tell(jobId: string): Promise<void> {
    const address = { job_id: jobId, registry_dir: this.#hub.settings.registryDir };
    const { record: before } = await this.#hub.peek('status', address);
    if (!this.#owes(before) || this.#hub.waitsFor(jobId)) return;
    const asked = { ...address, seen_by: this.#session, told: 'channel' } as const;
    const { record, told } = await this.#hub.peek('status', asked);
    // Meanwhile it has looked, or another server of its session has told it.
    if (told !== true) return;
    const { status, blocked_by, reason = blocked_by, agent } = record;
    const meta = { job_id: jobId, status, ...(reason !== undefined && { reason }), agent };
    await this.#notify({
      method: 'notifications/claude/channel',
      params: { content: wakeLine([record]), meta },
    });
  }
}

/** What could not be told stays in the journal, and is told after the next connection. */
function failed(error: unknown): void {
  logError('channel', error);
}
