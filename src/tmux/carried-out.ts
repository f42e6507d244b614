import { type Place, unfit } from './guard.ts';
import { sameLines } from './own-text.ts';
import type { Look } from './preflight.ts';
import { pause } from './rung.ts';
import { classify, find, shoot } from './screen.ts';

/** How long (ms) an agent may take to carry out its own command: it may run hooks of its user first. */
const DONE_TIMEOUT_MS = 30_000;
/** For how long (ms) the screen must show it: an agent draws in steps. */
const STEADY_MS = 300;
/** An agent that has been ready for this long (ms), without a sign of it, has not carried it out. */
const IDLE_MS = 3_000;
const SCREEN_POLL_MS = 30;

/** What the screen shows of a command that was carried out, or why it does not. */
export type CarriedOut = { evidence: string } | { why: string };

/**
 * Waits until the screen shows that an agent has carried out its own command and is ready for words. Without patterns for
 * that, a screen that stays as it is has to do.
 * @param stop aborted when the job has ended
 */
export async function untilCarriedOut(
  { server, target }: Place,
  { command, patterns }: Pick<Look, 'command' | 'patterns'>,
  stop: AbortSignal,
): Promise<CarriedOut> {
  const begun = performance.now();
  let doneSince: number | undefined;
  let readySince: number | undefined;
  let last: string[] = [];
  for (; performance.now() - begun < DONE_TIMEOUT_MS && !stop.aborted; await pause(SCREEN_POLL_MS, stop)) {
    const shot = await shoot(server, target.pane);
    const reason = unfit(shot, target);
    if (reason?.by === 'gone') return { why: reason.why };
    const { lines } = shot ?? { lines: [] };
    const shown = find(lines, command?.done);
    const isDone = command?.done === undefined || shown !== undefined;
    const isSteady = patterns.ready === undefined ? sameLines(lines, last) : isReady(lines, patterns);
    last = lines;
    const now = performance.now();
    readySince = isSteady && reason === undefined ? (readySince ?? now) : undefined;
    doneSince = isDone && readySince !== undefined ? (doneSince ?? now) : undefined;
    if (doneSince !== undefined && now - doneSince >= STEADY_MS)
      return { evidence: shown === undefined ? 'it left the box' : 'the screen shows an empty conversation' };
    if (!isDone && readySince !== undefined && now - readySince >= IDLE_MS) break;
  }
  return { why: 'the screen shows no new conversation' };
}

/** True if the screen shows that already: a person may have done it. @throws MamError when tmux does not answer */
export async function isCarriedOut(
  { server, target }: Place,
  { command, patterns }: Pick<Look, 'command' | 'patterns'>,
): Promise<boolean> {
  if (command?.done === undefined) return false;
  const shot = await shoot(server, target.pane);
  const lines = shot?.lines ?? [];
  return (
    unfit(shot, target) === undefined && isReady(lines, patterns) && find(lines, command.done) !== undefined
  );
}

function isReady(lines: string[], patterns: Look['patterns']): boolean {
  return classify(lines, patterns) === 'ready';
}
