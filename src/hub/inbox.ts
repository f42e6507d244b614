import type { HubBus } from '../bus/hub-bus.ts';
import { readOutbox, removeOutboxEntry } from '../bus/outbox.ts';
import { claimTopic } from '../bus/topics.ts';
import type { Settings } from '../config.ts';
import { MamError } from '../errors.ts';
import type { Claims } from './claims.ts';
import type { Log } from './log.ts';
import type { Registrar } from './registrar.ts';

/** Takes in what publishers kept on disk while they could not reach a hub. */
export class Inbox {
  private readonly registrar: Registrar;
  private readonly claims: Claims;
  private readonly outbox: string;
  private readonly settings: Settings;
  private readonly log: Log;
  private readonly buses: readonly HubBus[];
  private draining: Promise<void> | undefined;
  private drainAgain = false;
  /** Files of the outbox that were passed on to another hub. */
  private readonly passedOn = new Set<string>();

  /** @param options.buses the hub's own, then the external one */
  constructor(options: {
    registrar: Registrar;
    claims: Claims;
    outbox: string;
    settings: Settings;
    log: Log;
    buses: readonly HubBus[];
  }) {
    this.registrar = options.registrar;
    this.claims = options.claims;
    this.outbox = options.outbox;
    this.settings = options.settings;
    this.log = options.log;
    this.buses = options.buses;
  }

  /** Records all that is there, each writer's events in their order. */
  drain(): Promise<void> {
    if (this.draining !== undefined) {
      this.drainAgain = true;
      return this.draining;
    }
    this.draining = (async () => {
      do {
        this.drainAgain = false;
        await this.drainOnce();
      } while (this.drainAgain);
    })().finally(() => {
      this.draining = undefined;
    });
    return this.draining;
  }

  private async drainOnce(): Promise<void> {
    const stuck = new Set<string>();
    for (const entry of await readOutbox(this.outbox)) {
      const { job_id: jobId } = entry.claim;
      if (stuck.has(entry.writer)) continue;
      try {
        const text = JSON.stringify(entry.claim);
        if (await this.isElsewhere(jobId)) {
          // Its hub is another one on the same broker; the file goes when that one's answer comes to its writer.
          if (!this.passedOn.has(entry.file)) {
            this.passedOn.add(entry.file);
            this.buses[1]?.publish(claimTopic(this.settings.realm, jobId), text);
          }
          stuck.add(entry.writer);
          continue;
        }
        await this.claims.take(jobId, text, { late: true });
        await removeOutboxEntry(entry);
      } catch (error) {
        stuck.add(entry.writer);
        this.log.error(`event of ${jobId} stays in the outbox`, error);
      }
    }
  }

  /** True for a job that only another hub on the external broker can have. */
  private async isElsewhere(jobId: string): Promise<boolean> {
    if (this.settings.broker === undefined) return false;
    return this.registrar.find(jobId).then(
      () => false,
      (error) => error instanceof MamError && error.code === 'not_found',
    );
  }
}
