import { readOutbox, removeOutboxEntry } from '../bus/outbox.ts';
import { explain } from '../errors.ts';
import type { Claims } from './claims.ts';
import { wayOf } from './kept-claims.ts';
import type { Log } from './log.ts';

/** What could not be taken is not tried again earlier, in ms. */
const AGAIN_MS = 1_500;

/** Takes in what publishers kept on disk while they could not reach a hub. */
export class Inbox {
  private readonly claims: Claims;
  private readonly outbox: string;
  private readonly log: Log;
  private draining: Promise<void> | undefined;
  private drainAgain = false;
  /** Of a file that could not be taken: when it is tried again, in ms since 1970, and why. */
  private readonly stuck = new Map<string, { until: number; why: string }>();

  constructor(options: { claims: Claims; outbox: string; log: Log }) {
    this.claims = options.claims;
    this.outbox = options.outbox;
    this.log = options.log;
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
    const held = new Set<string>();
    const entries = await readOutbox(this.outbox);
    for (const file of this.stuck.keys())
      if (!entries.some((entry) => entry.file === file)) this.stuck.delete(file);
    for (const entry of entries) {
      const { job_id: jobId } = entry.claim;
      const before = this.stuck.get(entry.file);
      if (held.has(entry.writer)) continue;
      held.add(entry.writer);
      if (before !== undefined && before.until > Date.now()) continue;
      try {
        await this.claims.take(jobId, JSON.stringify(entry.claim), wayOf(entry.file));
        await removeOutboxEntry(entry);
        this.stuck.delete(entry.file);
        held.delete(entry.writer);
      } catch (error) {
        const why = explain(error);
        this.stuck.set(entry.file, { until: Date.now() + AGAIN_MS, why });
        if (before?.why !== why) this.log.error(`event of ${jobId} stays in the outbox`, error);
      }
    }
  }
}
