import { press } from './guard.ts';
import { OwnText } from './own-text.ts';
import { type Climb, type ClimbEnd, type Job, obstructed, pause, STOPPED } from './rung.ts';
import { type Shot, shoot } from './screen.ts';
import { untilTaken } from './submitted.ts';
import { untilSeen } from './visible.ts';

/** All in all (ms) between paste and Enter, when the text comes and goes. */
const ENTER_MS = 15_000;

/** From the paste to the proof that the agent took the text. @param first a look taken right after the paste */
export async function climb(order: Climb, first: Shot | undefined): Promise<ClimbEnd> {
  const { server, target, look, steps } = order;
  const job: Job = { ...order, own: new OwnText(order.before, order.text, look.needle), wasSeen: false };
  const since = performance.now();
  let told = false;
  for (let shot = first; ; shot = await shoot(server, target.pane)) {
    const seen = await untilSeen(job, shot, since);
    if ('kind' in seen) return seen;
    if (performance.now() - since > ENTER_MS)
      return { kind: 'unverified', why: 'the pasted text did not stay in the box' };
    if (!told) steps.visible(seen.sight.evidence);
    told = true;
    job.wasSeen ||= seen.sight.mark !== undefined;
    let held = seen.shot;
    if (look.settleMs > 0) {
      await pause(look.settleMs, steps.stop);
      const later = await shoot(server, target.pane);
      const still = later && job.own.sight(later.lines);
      if (later === undefined || still === undefined || obstructed(job, later) !== undefined) continue;
      if (job.wasSeen && still.mark === undefined) continue;
      held = later;
      seen.sight = still;
    }
    if (steps.stop.aborted) return STOPPED;
    const word = guardWord(job, held);
    const refusal = await press(server, target.pane, held, look.submitKey, word);
    if (refusal === undefined) return untilTaken(job, held, seen.sight.mark, word);
    await pause(5, steps.stop);
  }
}

/** The needle, when tmux itself can test that it is on the screen in the same command that presses the key. */
function guardWord(job: Job, shot: Shot): string | undefined {
  const { needle } = job.look;
  const testable = /^[A-Za-z0-9_-]+$/.test(needle) && job.own.isUnknown(needle);
  return testable && shot.lines.some((line) => line.includes(needle)) ? needle : undefined;
}
