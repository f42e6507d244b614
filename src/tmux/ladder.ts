import { lookAndPress, press } from './guard.ts';
import { locate, OwnText } from './own-text.ts';
import { type Climb, type ClimbEnd, intruder, type Job, obstructed, pause, STOPPED } from './rung.ts';
import { type Shot, shoot } from './screen.ts';
import { untilTaken } from './submitted.ts';
import { untilSeen } from './visible.ts';

/** All in all (ms) between paste and Enter, when the text comes and goes. */
const ENTER_MS = 15_000;
/** How long (ms) the short way is tried; a program that echoes at once needs less than one. */
const AT_ONCE_MS = 8;
/** Length of the end of the text that tmux looks for; a pane too narrow to show it in one row takes the longer way. */
const END_CHARS = 60;

/** What `enterAtOnce` saw: the screen just before its Enter, if it pressed. */
export interface AtOnce {
  pressed: Shot | undefined;
}

/**
 * Enter by the shortest way, for a program that takes input at once and has no dialogs that we know of: tmux itself
 * finds the end of our text on the screen and presses in the same command. Gives up where that takes more than some ms.
 * @param shot the look before the paste
 */
export async function enterAtOnce(order: Climb, shot: Shot): Promise<AtOnce> {
  const { server, target, look, steps, before, text } = order;
  const end = text.slice(text.lastIndexOf('\n') + 1).slice(-END_CHARS);
  const { dialog, ready, busy } = look.patterns;
  const mayIntrude = look.others !== undefined && look.others.length > 0;
  const hasPatterns = dialog !== undefined || ready !== undefined || busy !== undefined;
  const once = text.indexOf(end) === text.length - end.length;
  const testable = once && /^[A-Za-z0-9_ :-]+$/.test(end) && locate(before, end).count === 0;
  if (hasPatterns || mayIntrude || look.settleMs > 0 || !testable) return { pressed: undefined };
  for (const until = performance.now() + AT_ONCE_MS; performance.now() < until && !steps.stop.aborted; ) {
    const pressed = await lookAndPress(server, target.pane, shot, look.submitKey, end);
    if (pressed !== undefined) return { pressed };
  }
  return { pressed: undefined };
}

/** From the paste to the proof that the agent took the text. @param atOnce what was tried right after the paste */
export async function climb(order: Climb, atOnce?: AtOnce): Promise<ClimbEnd> {
  const { server, target, look, steps } = order;
  const job: Job = { ...order, own: new OwnText(order.before, order.text, look.needle), wasSeen: false };
  const since = performance.now();
  const pressed = atOnce?.pressed;
  const sight = pressed && job.own.sight(pressed.lines);
  if (pressed !== undefined) {
    steps.visible(sight?.evidence ?? 'the end of the text is on the screen', sight?.mark);
    return untilTaken(job, pressed, sight?.mark ?? look.needle, guardWord(job, pressed));
  }
  let told = false;
  for (;;) {
    const shot = await shoot(server, target.pane);
    const seen = await untilSeen(job, shot, since);
    if ('kind' in seen) return seen;
    if (performance.now() - since > ENTER_MS)
      return { kind: 'unverified', why: 'the pasted text did not stay in the box' };
    if (!told) steps.visible(seen.sight.evidence, seen.sight.mark);
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
    const other = intruder(job, held);
    if (other !== undefined) return other;
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
