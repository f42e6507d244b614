import { type Place, unfit } from './guard.ts';
import type { Look } from './preflight.ts';
import { type ClimbEnd, pause } from './rung.ts';
import { classify, find, shoot } from './screen.ts';

/** How long (ms) an agent may take to accept the prompt on its command line. */
const TAKEN_TIMEOUT_MS = 60_000;
/** An agent that has been ready for this long (ms), and never busy, has no prompt. */
const IDLE_MS = 6_000;
/** How long (ms) a dialog must last to count: some flash by while an agent starts. */
const DIALOG_MS = 1_000;
const SCREEN_POLL_MS = 50;

/**
 * Waits for the proof that an agent has taken the prompt on its command line. Types nothing.
 * @param stop aborted when the proof comes in another way: by the agent's hook, or the peer's first report
 * @returns `unverified` with the first line of a dialog that blocks the agent: the prompt waits behind it
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
  for (; performance.now() - begun < TAKEN_TIMEOUT_MS; await pause(SCREEN_POLL_MS, stop)) {
    if (stop.aborted) return { kind: 'stopped', remains: false };
    const shot = await shoot(server, target.pane);
    const reason = unfit(shot, target);
    if (reason?.by === 'gone') return { kind: 'gone', why: reason.why };
    const { lines = [] } = shot ?? {};
    const state = classify(lines, patterns);
    const now = performance.now();
    dialogSince = state === 'dialog' ? (dialogSince ?? now) : undefined;
    readySince = state === 'ready' ? (readySince ?? now) : undefined;
    if (state === 'busy') {
      submitted(`the agent is busy with the prompt on its command line: ${find(lines, patterns.busy)}`);
      return { kind: 'submitted' };
    }
    if (dialogSince !== undefined && now - dialogSince > DIALOG_MS) {
      const line = find(lines, patterns.dialog);
      return { kind: 'unverified', why: `A dialog blocks the agent; its prompt waits behind it: ${line}` };
    }
    if (readySince !== undefined && now - readySince > IDLE_MS) {
      const why = 'The agent shows an empty input box: it may not have taken its prompt.';
      return { kind: 'unverified', why };
    }
  }
  return { kind: 'unverified', why: `No prompt was seen within ${TAKEN_TIMEOUT_MS / 1000} s of the start.` };
}
