import { keepInOutbox } from '../../../src/bus/spool/outbox.ts';
import type { Fault } from './fault.ts';

/** A publisher whose many events wait on disk for the next hub. */
export const flood: Fault = {
  name: 'outbox flooded',
  share: 1,
  async make(world, random) {
    const job = world.jobs.filter(({ agent }) => agent === undefined).at(-1)?.id;
    if (job === undefined) return undefined;
    const count = random.whole(100, 500);
    const writer = `flood-${random.whole(1, 1e9)}`;
    let kept = 0;
    for (let n = 1; n <= count; n++) {
      const token = world.token();
      const began = Date.now();
      const at = new Date(began).toISOString();
      const claim = {
        event_id: `${writer}-${n}`,
        job_id: job,
        type: 'progress',
        source: 'peer',
        at,
        detail: token,
      } as const;
      try {
        await keepInOutbox(world.outbox, writer, claim);
      } catch {
        break;
      }
      kept = n;
      const answer = { accepted: true, recorded: false };
      world.ledger.take({
        who: writer,
        call: 'outbox',
        job,
        token,
        began,
        ended: Date.now(),
        outcome: 'answer',
        answer,
      });
    }
    return `${kept} events of ${job}`;
  },
};
