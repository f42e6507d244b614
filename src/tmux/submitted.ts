import { columnsOf } from '../base/columns.ts';
import { bare, withoutOwn } from './own-text.ts';
import { parkedIn } from './parked.ts';
import { type ClimbEnd, type Job, obstructed, pause, STOPPED, step, submit } from './rung.ts';
import { find, type Shot, shoot } from './screen.ts';
import { type Pasted, type Standing, standing, standsAlone } from './standing.ts';
import { Traces } from './traces.ts';
import { CHANGED, isSame } from './visible.ts';

/**
 * When (ms after the first Enter) a lost Enter is pressed again, and when to stop looking. Once only, and late: a program
 * that has just not read the first one yet would get both, and the second may answer a dialog that appears meanwhile.
 */
const PRESS_AGAIN_MS = 2_000;
const SUBMIT_TIMEOUT_MS = 4_500;
/** How long (ms) to wait for the proof after the delivery was stopped, when no more keys are pressed. */
const AFTER_STOP_MS = 1_000;
/** A text must look changed for this long (ms) to count as changed: a program may be drawing. */
const CHANGED_MS = 500;
/** Other words that stay in the box for this long (ms) are a person's, who takes longer to press Enter. */
const TYPED_MS = 150;
/** A box that is empty this soon (ms) after Enter was emptied by it: no person is that fast. Later, a trace is needed. */
const AT_ONCE_MS = 60;

const NEVER = new AbortController().signal;

/** Where a text is after Enter; `above`: complete, with rows below it, which are the agent's output or part of the box. */
type Where = Exclude<Standing, 'folded'> | 'above';

const WHY_NOT: Record<Where, string> = {
  alone: 'the agent did not take Enter: our text stays in its box',
  above:
    'after Enter our text is still in its place, with other rows below it: nothing shows that the agent took it',
  part: `after Enter, ${CHANGED}`,
  none: 'our text has left its box, and nothing shows that the agent took it',
};

/**
 * Enter was pressed: looks for the proof that the agent took it. Proofs are a turn that begins, our text in a transcript,
 * something new above the box that it has left, or a box that is empty right after Enter. A mere change proves nothing: a
 * person may have emptied the box, or made the pane smaller. Presses Enter once more, only while our text is alone in the
 * box.
 * @param held the look at which Enter was pressed
 * @param pasted how our text was in the box then; undefined if none of it was seen
 */
export async function untilTaken(job: Job, held: Shot, pasted: Pasted | undefined): Promise<ClimbEnd> {
  const { server, target, steps } = job;
  const traces = new Traces(job, held, pasted ?? job.pasted);
  const since = performance.now();
  let pressedAt = since;
  let stoppedAt: number | undefined;
  let changedAt: number | undefined;
  let typedAt: number | undefined;
  let wasPressedAgain = false;
  for (;;) {
    const isStopped = steps.stop.aborted;
    const isAtOnce = pasted !== undefined && performance.now() - pressedAt <= AT_ONCE_MS;
    const found = await shoot(server, target.pane);
    const obstacle = obstructed(job, found);
    if (obstacle !== undefined && 'kind' in obstacle && obstacle.kind === 'gone') return obstacle;
    const shot = found as Shot;
    const where = whereIs(job, held, shot, pasted);
    const now = performance.now();
    const elapsed = now - since;
    changedAt = where === 'part' ? (changedAt ?? now) : undefined;
    const isTypedOver = where === 'none' && pasted !== undefined && traces.isTypedOver(shot);
    typedAt = isTypedOver ? (typedAt ?? now) : undefined;
    const isGone = where === 'none' && obstacle === undefined && traces.hasSize(shot);
    const proof =
      taken(job, held, shot, where, traces, obstacle !== undefined) ??
      (isGone && isAtOnce && !traces.wasTypedOver ? 'the text left the box with Enter' : undefined);
    if (proof !== undefined && isStopped) return { kind: 'stopped', remains: false };
    if (proof !== undefined) {
      steps.submitted(proof);
      return { kind: 'submitted' };
    }
    const isChanged =
      (changedAt !== undefined && now - changedAt >= CHANGED_MS) ||
      (typedAt !== undefined && now - typedAt >= TYPED_MS);
    if (isStopped) stoppedAt ??= now;
    if (stoppedAt !== undefined && (isChanged || now - stoppedAt > AFTER_STOP_MS)) return STOPPED;
    if (isChanged) return { kind: 'unverified', why: `after Enter, ${CHANGED}` };
    if (elapsed > SUBMIT_TIMEOUT_MS) return { kind: 'unverified', why: WHY_NOT[where] };
    if (elapsed >= PRESS_AGAIN_MS && !wasPressedAgain) {
      wasPressedAgain = true;
      if (obstacle === undefined && !isStopped) {
        if (isHeld(job, held, shot, pasted)) await submit(job, shot, pasted);
        // For a text that had already gone, it proves nothing.
        if (where === 'alone') pressedAt = performance.now();
      }
    }
    await pause(step(elapsed), isStopped ? NEVER : steps.stop);
  }
}

function whereIs(job: Job, held: Shot, shot: Shot, pasted: Pasted | undefined): Where {
  if (pasted === undefined) return isSame(held, shot) ? 'alone' : 'none';
  if (parkedIn(shot, pasted, job.before) !== undefined) return 'alone';
  const where = standing(shot, pasted);
  if (where === 'folded') return 'none';
  return where === 'part' && rowsBelow(shot, pasted) !== undefined ? 'above' : where;
}

/** How many rows, up to the cursor's, are below our text; undefined if the text is not complete. */
function rowsBelow(shot: Shot, pasted: Pasted): number | undefined {
  const { lines, cursor_y: y } = shot;
  for (let row = y - 1; row >= 0; row--) {
    const end = { ...shot, cursor_x: columnsOf(lines[row] ?? ''), cursor_y: row };
    if (bare(lines[row] ?? '') !== '' && standsAlone(end, pasted)) return y - row;
  }
  return undefined;
}

/** Whether our text is still alone in the box, or with just the empty row that an early Enter has inserted. */
function isHeld(job: Job, held: Shot, shot: Shot, pasted: Pasted | undefined): boolean {
  if (pasted === undefined) return isSame(held, shot);
  if (standsAlone(shot, pasted) || parkedIn(shot, pasted, job.before) !== undefined) return true;
  const isEmptyRow = (shot.lines[shot.cursor_y] ?? '') === '';
  return job.look.breaksEarly === true && isEmptyRow && rowsBelow(shot, pasted) === 1;
}

/** The evidence that the agent has the text, if any. @param isHidden a dialog may hide the box */
function taken(
  job: Job,
  held: Shot,
  shot: Shot,
  where: Where,
  traces: Traces,
  isHidden: boolean,
): string | undefined {
  if (where !== 'none') traces.note(shot);
  if (where === 'alone') return undefined;
  const { busy } = job.look.patterns;
  const turn = find(withoutOwn(shot.lines, job.text), busy);
  if (
    turn !== undefined &&
    !traces.wasTypedOver &&
    find(withoutOwn(held.lines, job.text), busy) === undefined
  )
    return `the agent is busy: ${turn}`;
  if (where !== 'none') return undefined;
  const isDone = find(shot.lines, job.look.command?.done) !== undefined;
  return isDone ? 'the screen shows that it was carried out' : traces.find(shot, isHidden);
}
