import { OwnText } from './own-text.ts';
import { type Climb, type ClimbEnd, type Job, obstructed, pause, STOPPED, submit } from './rung.ts';
import { shoot } from './screen.ts';
import { untilTaken } from './submitted.ts';
import { isSame, seenIn, untilSeen } from './visible.ts';

/** The longest time (ms) between paste and Enter, while the text appears and disappears. */
const ENTER_TIMEOUT_MS = 15_000;

/** From the paste to the proof that the agent took the text. Enter is pressed only while the text is alone in the box. */
export async function climb(order: Climb): Promise<ClimbEnd> {
  const { server, target, look, steps } = order;
  const job: Job = { ...order, own: new OwnText(order.before, order.text, look.needle), wasSeen: false };
  const since = performance.now();
  let isReported = false;
  for (;;) {
    const seen = await untilSeen(job, await shoot(server, target.pane), since);
    if ('kind' in seen) return seen;
    if (performance.now() - since > ENTER_TIMEOUT_MS)
      return { kind: 'unverified', why: 'the pasted text did not stay in the box' };
    if (!isReported) steps.visible(seen.evidence, seen.mark);
    isReported = true;
    let { pasted, shot } = seen;
    if (look.settleMs > 0) {
      await pause(look.settleMs, steps.stop);
      const later = await shoot(server, target.pane);
      if (later === undefined || obstructed(job, later) !== undefined) continue;
      const still = pasted === undefined ? isSame(shot, later) : seenIn(job, later);
      if (still === undefined || still === false) continue;
      shot = later;
      if (still !== true) pasted = still.pasted;
    }
    if (steps.stop.aborted) return STOPPED;
    if ((await submit(job, shot, pasted)) === undefined) return untilTaken(job, shot, pasted);
    await pause(5, steps.stop);
  }
}
