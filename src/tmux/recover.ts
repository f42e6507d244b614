import type { TmuxServer } from './control.ts';
import { press, type Target, unfit } from './guard.ts';
import { climb } from './ladder.ts';
import { endsRow, locate } from './own-text.ts';
import { type Look, shellRisk } from './preflight.ts';
import { classify, type ScreenPatterns, type Shot, shoot } from './screen.ts';

/** How the delivery that a dead hub left behind ended. */
export type Recovery =
  | { kind: 'submitted'; evidence: string }
  | { kind: 'gone'; why: string }
  | { kind: 'unverified'; why: string };

/** Length of the end of our text that is looked for, in characters. */
const TAIL = 24;

/**
 * Takes up a delivery whose hub died between the paste and the proof of Enter. Never pastes. Presses Enter only when
 * the end of our own text stands right before the cursor, that is in the input box and not in a transcript.
 * @param text the text that was announced before the paste
 */
export async function recoverDelivery(
  server: TmuxServer,
  target: Target,
  text: string,
  look: Look,
  stop: AbortSignal,
): Promise<Recovery> {
  let shot: Shot | undefined;
  try {
    shot = await shoot(server, target.pane);
  } catch (error) {
    return { kind: 'unverified', why: (error as Error).message };
  }
  const reason = unfit(shot, target);
  if (reason !== undefined && 'gone' in reason) return { kind: 'gone', why: reason.gone };
  if (reason !== undefined || shot === undefined || !endsAtCursor(shot, text)) {
    return {
      kind: 'unverified',
      why: 'The hub was restarted during the delivery, and the text is not in the input box now.',
    };
  }
  const risk = shellRisk(target, look);
  if (risk !== undefined) return { kind: 'unverified', why: `A shell might run the text now: ${risk}.` };
  let evidence = '';
  const end = await climb({
    server,
    target,
    text,
    look,
    before: [],
    steps: {
      pasting: async () => {},
      visible: () => {},
      submitted: (seen) => {
        evidence = `found in the input box after a restart; ${seen}`;
      },
      stop,
    },
  });
  if (end.kind === 'submitted') return { kind: 'submitted', evidence };
  if (end.kind === 'gone') return end;
  return {
    kind: 'unverified',
    why: end.kind === 'unverified' ? end.why : 'The hub ended during the delivery.',
  };
}

function endsAtCursor(shot: Shot, text: string): boolean {
  const tail = text.replace(/\s+/g, '').slice(-TAIL);
  const { last } = locate(shot.lines, tail);
  // In the next row it may stand as well behind a text that was submitted: that proves nothing. What follows it in its
  // row somebody else has typed.
  return last >= 0 && shot.cursor_y === last && endsRow(shot.lines[last] ?? '', tail);
}

/**
 * Empties the input box of a text of ours that was not submitted, and of nothing else.
 * @param key tmux's name of the key that empties the agent's input box
 * @returns true when the text was there and the key was pressed
 */
export async function clearOwnText(
  server: TmuxServer,
  target: Target,
  text: string,
  key: string,
  patterns: ScreenPatterns,
): Promise<boolean> {
  const shot = await shoot(server, target.pane);
  // The key that empties the box of an idle agent interrupts a busy one.
  if (['busy', 'dialog'].includes(classify(shot?.lines ?? [], patterns))) return false;
  if (shot === undefined || unfit(shot, target) !== undefined || !endsAtCursor(shot, text)) return false;
  return (await press(server, target.pane, shot, key)) === undefined;
}

/** How many rows above the cursor a text of ours may begin and still be taken for the input box. */
const BOX_ROWS = 6;

/**
 * Whether a word of a text that we pasted and never submitted still stands at the cursor, as far as one look tells.
 * @throws MamError when tmux does not answer
 */
export async function standsAtCursor(server: TmuxServer, pane: string, word: string): Promise<boolean> {
  const shot = await shoot(server, pane);
  if (shot === undefined) return false;
  const { last } = locate(shot.lines, word);
  return last >= 0 && shot.cursor_y >= last && shot.cursor_y - last <= BOX_ROWS;
}
