import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MamError } from '../../../base/errors.ts';
import { sha256 } from '../../../base/sha256.ts';
import type { RecordedEvent } from '../../../job/event.ts';
import { writeDerived } from '../../../registry/files.ts';
import { writeText } from '../../../registry/texts.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { HomeAsk } from './asks.ts';
import { pieceOf } from './home-answers.ts';
import { isUnknownThere } from './home-error.ts';

/** A longer text is not fetched, in characters: a home's own limits are far below it. */
const MAX_CHARS = 16 * 1024 * 1024;

/** Fetches texts of a replica from its home into the job's folder, where a local job's are. */
export class HomeTexts {
  readonly #ask: HomeAsk;

  constructor(ask: HomeAsk) {
    this.#ask = ask;
  }

  /** Fetches the long texts of events that are not here yet. @throws MamError when the home did not answer, or `io` */
  async fetchLong(host: string, job: LiveJob, events: readonly RecordedEvent[]): Promise<void> {
    const hashes = new Set(events.flatMap(({ texts }) => Object.values(texts ?? {})));
    for (const hash of hashes) {
      if (existsSync(join(job.paths.texts, hash))) continue;
      const text = await this.#whole(host, job.id, hash);
      // What the home has lost, or has changed, is shown as such.
      if (text === undefined || sha256(text) !== hash) continue;
      job.checkPlace();
      await writeText(job.paths.texts, text);
    }
  }

  /** Fetches what belongs to a job that has ended. @throws as `fetchLong` */
  async fetchEnd(host: string, job: LiveJob): Promise<void> {
    await this.fetchLong(host, job, job.eventsAfter(0));
    await this.#fetchFile(host, job, 'screen', 'screen.txt');
    if (job.record.validation !== undefined) await this.#fetchFile(host, job, 'validate', 'validate.log');
  }

  async #fetchFile(host: string, job: LiveJob, what: string, name: string): Promise<void> {
    const text = await this.#whole(host, job.id, what);
    if (text === undefined) return;
    job.checkPlace();
    await writeDerived(join(job.paths.folder, name), text);
  }

  /** @returns undefined if the home has no such text */
  async #whole(host: string, jobId: string, what: string): Promise<string | undefined> {
    let text = '';
    try {
      for (let offset = 0; ; ) {
        const answer = await this.#ask(host, 'text', { job_id: jobId, what, offset });
        const piece = pieceOf(host, `a text of ${jobId}`, answer);
        text += piece.text;
        if (piece.next >= piece.size) return text;
        if (piece.next <= offset || piece.text === '' || text.length > MAX_CHARS)
          throw new MamError('unavailable', `${host} sends a text of ${jobId} that does not end.`);
        offset = piece.next;
      }
    } catch (error) {
      if (isUnknownThere(error)) return undefined;
      throw error;
    }
  }
}
