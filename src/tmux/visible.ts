import { isElsewhere } from './own-command.ts';
import { PLACEHOLDER, sameLines } from './own-text.ts';
import { parkedIn } from './parked.ts';
import { BY_HAND, type ClimbEnd, intruder, type Job, obstructed, pause, STOPPED, step } from './rung.ts';
import { type Shot, shoot } from './screen.ts';
import { type Pasted, promptOf, standing, standsAlone } from './standing.ts';

/** How long (ms) to look for our text after the paste. */
const VISIBLE_TIMEOUT_MS = 5_000;
/** How long (ms) copy mode may last between paste and Enter. */
const COPY_MODE_TIMEOUT_MS = 5_000;
/** A text that is not alone in its box, or not complete, will stay like that after this long (ms) without a change. */
const LEFT_MS = 1_500;
/** Output counts as having scrolled our text away once every look for this long (ms) shows something else. */
const RESTLESS_MS = 1_000;

export const CHANGED = `the input box does not hold our text as it was pasted: ${BY_HAND}`;

/** A look at which Enter may be pressed. */
export interface Seen {
  evidence: string;
  mark: string | undefined;
  shot: Shot;
  /** How our text is in the box; undefined if the program shows only that something came in. */
  pasted: Pasted | undefined;
}

/** Our text in the box, complete, unchanged and alone, if a look shows that. */
export function seenIn(job: Job, shot: Shot): (Seen & { pasted: Pasted }) | undefined {
  const sight = job.own.sight(shot.lines);
  if (sight === undefined) return undefined;
  const { mark } = sight;
  job.wasSeen ||= mark !== undefined;
  const placeholder = mark !== undefined && PLACEHOLDER.test(mark) ? mark : undefined;
  const pasted = { ...job.pasted, placeholder };
  const found = standsAlone(shot, pasted) ? pasted : parkedIn(shot, pasted, job.before);
  if (found === undefined || isElsewhere(job.look, shot.lines)) return undefined;
  return { evidence: sight.evidence, mark, shot, pasted: found };
}

/** Looks, at first without a pause, until our text is alone in the box and nothing forbids Enter. */
export async function untilSeen(job: Job, first: Shot | undefined, since: number): Promise<Seen | ClimbEnd> {
  const { server, target, steps } = job;
  let last: Shot | undefined;
  let changedAt = since;
  /** Since when every look has shown something else. */
  let restlessAt = since;
  let obstructedAt: number | undefined;
  for (let shot = first; ; shot = await shoot(server, target.pane)) {
    if (steps.stop.aborted) return STOPPED;
    const now = performance.now();
    // While looking without a pause, an unchanged screen is skipped.
    if (step(now - since) === 0 && last && shot && isSame(last, shot)) continue;
    const obstacle = obstructed(job, shot);
    if (obstacle !== undefined) {
      if (!('wait' in obstacle)) return obstacle;
      obstructedAt ??= now;
      if (now - obstructedAt > COPY_MODE_TIMEOUT_MS)
        return { kind: 'unverified', why: `${obstacle.wait} before Enter` };
      await pause(20, steps.stop);
      continue;
    }
    const found = seenIn(job, shot as Shot);
    if (found !== undefined) return found;
    const other = intruder(job, shot as Shot);
    if (other !== undefined) return other;
    const { lines } = shot as Shot;
    if (last === undefined || sameLines(last.lines, lines)) restlessAt = now;
    else changedAt = now;
    last = shot;
    const isLeft = now - changedAt > LEFT_MS && standing(shot as Shot, job.pasted) === 'part';
    const isLate = isLeft || now - since > VISIBLE_TIMEOUT_MS;
    const change = unseen(job, shot as Shot, isLate, now - restlessAt >= RESTLESS_MS);
    if (change !== undefined) return change;
    if (isLate) return { kind: 'unverified', why: whyNot(job, shot as Shot) };
    await pause(step(now - since), steps.stop);
  }
}

/**
 * A change of a screen without known patterns, with none of our text, counts as the paste once the text has had enough time
 * to appear, or output has scrolled it away.
 */
function unseen(job: Job, shot: Shot, isLate: boolean, isRestless: boolean): Seen | undefined {
  const { patterns, others = [] } = job.look;
  // It may be another text of ours that has appeared.
  if (patterns.ready !== undefined || others.length > 0) return undefined;
  const sight = job.own.sight(shot.lines);
  if (sight === undefined || standing(shot, job.pasted) !== 'none') return undefined;
  // A clock or a spinner elsewhere is not a paste.
  const isInBox = promptOf(shot) !== job.pasted.prompt;
  if (job.wasSeen ? !isRestless : !isLate || !isInBox) return undefined;
  return { evidence: sight.evidence, mark: undefined, shot, pasted: undefined };
}

function whyNot(job: Job, shot: Shot): string {
  if (isElsewhere(job.look, shot.lines) && standsAlone(shot, job.pasted))
    return "the agent's menu does not offer the command as the one that Enter chooses; Enter was not pressed";
  if (standing(shot, job.pasted) !== 'none' || job.own.sight(shot.lines)?.mark !== undefined)
    return `${CHANGED}; Enter was not pressed`;
  return job.wasSeen
    ? 'the pasted text did not stay in the box; Enter was not pressed'
    : `the pasted text was not seen for ${VISIBLE_TIMEOUT_MS / 1000} s; Enter was not pressed`;
}

export function isSame(a: Shot, b: Shot): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
