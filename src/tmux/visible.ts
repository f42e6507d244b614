import { type Sight, sameLines } from './own-text.ts';
import { type ClimbEnd, type Job, obstructed, pause, STOPPED, step } from './rung.ts';
import { classify, type Shot, shoot } from './screen.ts';

/** How long (ms) to look for our text after the paste. */
const VISIBLE_MS = 5_000;
/** How long (ms) copy mode may last between paste and Enter. */
const COPY_MODE_MS = 5_000;
/** A part of our text counts after so long (ms) without a change, any other change after the second, a restless screen after the third. */
const QUIET_PART_MS = 250;
const QUIET_CHANGE_MS = 100;
const RESTLESS_MS = 1_000;

/** Looks, at first without a pause, until our text is in the box and nothing forbids Enter. */
export async function untilSeen(
  job: Job,
  first: Shot | undefined,
  since: number,
): Promise<{ sight: Sight; shot: Shot } | ClimbEnd> {
  const { server, target, steps } = job;
  let last: Shot | undefined;
  let changedAt = since;
  let firstChange: number | undefined;
  let obstructedAt: number | undefined;
  for (let shot = first; ; shot = await shoot(server, target.pane)) {
    if (steps.stop.aborted) return STOPPED;
    const now = performance.now();
    // While tmux is asked without a pause, an unchanged screen needs no second thought.
    if (step(now - since) === 0 && sameShot(last, shot)) continue;
    const obstacle = obstructed(job, shot);
    if (obstacle !== undefined) {
      if (!('wait' in obstacle)) return obstacle;
      obstructedAt ??= now;
      if (now - obstructedAt > COPY_MODE_MS)
        return { kind: 'unverified', why: `${obstacle.wait} before Enter` };
      await pause(20, steps.stop);
      continue;
    }
    const { lines } = shot as Shot;
    const found = job.own.sight(lines);
    if (last === undefined || !sameLines(last.lines, lines)) changedAt = now;
    last = shot;
    if (found !== undefined) {
      firstChange ??= now;
      const quiet = now - changedAt >= (found.mark === undefined ? QUIET_CHANGE_MS : QUIET_PART_MS);
      const restless = !quiet && now - firstChange >= RESTLESS_MS;
      const counts = found.mark !== undefined ? quiet || restless : mayCount(job, lines, quiet, restless);
      if (found.whole || counts) {
        return { sight: found, shot: shot as Shot };
      }
    }
    if (now - since > VISIBLE_MS) {
      return {
        kind: 'unverified',
        why: `the pasted text was not seen for ${VISIBLE_MS / 1000} s; Enter was not pressed`,
      };
    }
    await pause(step(now - since), steps.stop);
  }
}

/**
 * Whether a change of the screen that shows nothing of our text is taken for the paste. With a known agent only while
 * its box no longer looks empty; after our text was there, only where output has scrolled it away.
 */
function mayCount(job: Job, lines: string[], quiet: boolean, restless: boolean): boolean {
  const { patterns, others = [] } = job.look;
  // It may be one of those that has come up.
  if (others.length > 0) return false;
  if (job.wasSeen) return restless && patterns.ready === undefined;
  return (quiet || restless) && (patterns.ready === undefined || classify(lines, patterns) !== 'ready');
}

function sameShot(a: Shot | undefined, b: Shot | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return (
    a.in_mode === b.in_mode && a.dead === b.dead && a.command === b.command && sameLines(a.lines, b.lines)
  );
}
