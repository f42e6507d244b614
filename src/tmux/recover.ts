import { type Place, unfit } from './guard.ts';
import { climb } from './ladder.ts';
import { type Look, shellRisk } from './preflight.ts';
import { BY_HAND, type ClimbEnd, pause } from './rung.ts';
import { type Shot, shoot } from './screen.ts';
import { type Pasted, type Standing, standing } from './standing.ts';

/** How long (ms) a program may take to show a text. */
const SHOWN_MS = 1_500;
const SCREEN_POLL_MS = 30;

/** The result of a delivery that a dead hub left unfinished. */
export type Recovery = { kind: 'submitted'; evidence: string } | Extract<ClimbEnd, { why: string }>;

const NOT_ALONE: Record<Exclude<Standing, 'alone'>, string> = {
  none: 'the text is not in the input box now',
  folded: "the input box holds a placeholder, which may be a person's text",
  part: `the input box does not hold the text as it was pasted: ${BY_HAND}`,
};

/**
 * Continues a delivery whose hub died between the paste and the proof of Enter. Never pastes. Presses Enter only when our
 * text is at the cursor, complete and alone: in the input box, not in a transcript, and as it was pasted.
 * @param pasted the text that was announced before the paste
 */
export async function recoverDelivery(
  place: Place,
  pasted: Pasted,
  look: Look,
  stop: AbortSignal,
): Promise<Recovery> {
  const { server, target } = place;
  let where: Standing = 'none';
  const since = performance.now();
  do {
    let shot: Shot | undefined;
    try {
      shot = await shoot(server, target.pane);
    } catch (error) {
      return { kind: 'unverified', why: (error as Error).message };
    }
    const reason = unfit(shot, target);
    if (reason?.by === 'gone') return { kind: 'gone', why: reason.why };
    where = reason === undefined && shot !== undefined ? standing(shot, pasted) : 'none';
    if (where !== 'none') break;
    await pause(SCREEN_POLL_MS, stop);
  } while (!stop.aborted && performance.now() - since < SHOWN_MS);
  if (where !== 'alone')
    return { kind: 'unverified', why: `The hub was restarted during the delivery, and ${NOT_ALONE[where]}.` };
  const risk = shellRisk(target, look);
  if (risk !== undefined) return { kind: 'unverified', why: `A shell might run the text now: ${risk}.` };
  let evidence = '';
  const end = await climb({
    ...place,
    text: pasted.text,
    look,
    before: [],
    pasted,
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
