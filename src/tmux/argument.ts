import { type Place, unfit } from './guard.ts';
import type { Look } from './preflight.ts';
import { type ClimbEnd, pause } from './rung.ts';
import { classify, find, shoot } from './screen.ts';

/** An agent that was given its prompt on the command line must have taken it within this time, in ms. */
const TAKEN_MS = 60_000;
/** An agent that has been ready for so long (ms), and never busy, has no prompt. */
const IDLE_MS = 6_000;
/** A dialog counts after so long, in ms: some flash by while an agent starts. */
const DIALOG_MS = 1_000;
const SCREEN_POLL_MS = 50;

/**
 * Waits for the proof that an agent has taken the prompt of its command line. Types nothing.
 * @param stop aborted when the proof comes another way: by the agent's hook, or the peer's first report
 * @returns `unverified` with a dialog's first line where one holds the agent up: the prompt waits behind it
 */
export async function awaitArgument(
  { server, target }: Place,
  { patterns }: Look,
  submitted: (evidence: string) => void,
  stop: AbortSignal,
): Promise<ClimbEnd> {
  const begun = performance.now();
  let dialogSince: number | undefined;
  let readySince: number | undefined;
  for (; performance.now() - begun < TAKEN_MS; await pause(SCREEN_POLL_MS, stop)) {
    if (stop.aborted) return { kind: 'stopped', stands: false };
    const shot = await shoot(server, target.pane);
    const reason = unfit(shot, target);
    if (reason?.by === 'gone') return { kind: 'gone', why: reason.why };
    const { lines = [] } = shot ?? {};
    const state = classify(lines, patterns);
    const now = performance.now();
    dialogSince = state === 'dialog' ? (dialogSince ?? now) : undefined;
    readySince = state === 'ready' ? (readySince ?? now) : undefined;
    if (state === 'busy') {
      submitted(`the agent is busy with the prompt of its command line: ${find(lines, patterns.busy)}`);
      return { kind: 'submitted' };
    }
    if (dialogSince !== undefined && now - dialogSince > DIALOG_MS) {
      const line = find(lines, patterns.dialog);
      return { kind: 'unverified', why: `A dialog holds the agent up, its prompt waits behind it: ${line}` };
    }
    if (readySince !== undefined && now - readySince > IDLE_MS) {
      const why = 'The agent shows an empty input box: it may not have taken its prompt.';
      return { kind: 'unverified', why };
    }
  }
  return { kind: 'unverified', why: `No sign of the prompt within ${TAKEN_MS / 1000} s of the start.` };
}
