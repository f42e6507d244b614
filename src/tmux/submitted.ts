import { press } from './guard.ts';
import { breaksBehind, heldAsBefore, locate, withoutOwn } from './own-text.ts';
import type { Look } from './preflight.ts';
import { type ClimbEnd, type Job, obstructed, pause, STOPPED, step } from './rung.ts';
import { classify, find, type Shot, shoot } from './screen.ts';
import { standsAlone } from './standing.ts';

/**
 * When (ms after the first Enter) a swallowed one is pressed again, and when we stop looking. Once, and late: a program
 * that only has not read yet would find both, and the second may answer a dialog that comes up meanwhile.
 */
const PRESS_AGAIN_MS = [2_000];
const SUBMIT_MS = 4_500;
/** So long (ms) the proof is still waited for when the delivery was stopped, and no more keys are pressed. */
const AFTER_STOP_MS = 1_000;

const NEVER = new AbortController().signal;

/** Enter was pressed: proves that it was taken; presses again only while the box still holds our text. */
export async function untilTaken(
  job: Job,
  held: Shot,
  mark: string | undefined,
  word?: string,
): Promise<ClimbEnd> {
  const { server, target, look, steps } = job;
  const since = performance.now();
  let stoppedAt: number | undefined;
  for (let again = 0; ; ) {
    const isStopped = steps.stop.aborted;
    const shot = await shoot(server, target.pane);
    const obstacle = obstructed(job, shot);
    if (obstacle !== undefined && 'kind' in obstacle && obstacle.kind === 'gone') return obstacle;
    const proof = taken(job, held, shot as Shot, mark);
    if (proof !== undefined && isStopped) return { kind: 'stopped', stands: false };
    if (proof !== undefined) {
      steps.submitted(proof);
      return { kind: 'submitted' };
    }
    const now = performance.now();
    const elapsed = now - since;
    if (isStopped) stoppedAt ??= now;
    if (stoppedAt !== undefined && now - stoppedAt > AFTER_STOP_MS) return STOPPED;
    if (elapsed > SUBMIT_MS)
      return { kind: 'unverified', why: 'the agent did not take Enter: our text stays in its box' };
    if (elapsed >= (PRESS_AGAIN_MS[again] ?? Number.POSITIVE_INFINITY)) {
      again++;
      const unsent = isUnsent(job, held, shot as Shot, mark, 1);
      if (obstacle === undefined && unsent && !isStopped)
        await press(server, target.pane, shot as Shot, look.submitKey, word);
    }
    await pause(step(elapsed), isStopped ? NEVER : steps.stop);
  }
}

/** True while the box holds our text just as before Enter, or with the line breaks that Enter has made, so many at most. */
function isUnsent(
  job: Job,
  held: Shot,
  shot: Shot,
  mark: string | undefined,
  most = Number.POSITIVE_INFINITY,
): boolean {
  const { look, text, prompt } = job;
  if (heldAsBefore(mark, held, shot, isUnknown(look))) return true;
  // A pane of another size shows the same in other rows.
  if (standsAlone(shot, { text, prompt })) return true;
  if (look.breaksEarly !== true) return false;
  const breaks = breaksBehind(mark, held, shot);
  return breaks > 0 && breaks <= most;
}

/** True where the screen tells neither of the agent's turn nor of its box: only the cursor does. */
function isUnknown({ patterns }: Look): boolean {
  return patterns.ready === undefined && patterns.busy === undefined;
}

/** The evidence that the text left the box, if there is any. */
function taken(job: Job, held: Shot, shot: Shot, mark: string | undefined): string | undefined {
  const { patterns } = job.look;
  const foreign = withoutOwn(shot.lines, job.text);
  const busy = find(foreign, patterns.busy);
  if (busy !== undefined && find(withoutOwn(held.lines, job.text), patterns.busy) === undefined) {
    return `the agent is busy: ${busy}`;
  }
  if (isUnsent(job, held, shot, mark)) return undefined;
  if (isUnknown(job.look)) return 'the screen changed after Enter';
  const state = classify(foreign, patterns);
  if (state !== 'unknown')
    return `the text left the box; the screen shows: ${find(foreign, patterns[state])}`;
  return mark !== undefined && locate(shot.lines, mark).count === 0 ? 'the text left the screen' : undefined;
}
