import { MamError } from '../base/errors.ts';
import { areShown, type Place, paste, press, unfit } from './guard.ts';
import { climb } from './ladder.ts';
import { bare } from './own-text.ts';
import { type Look, type Obstacle, type Preflight, preflight } from './preflight.ts';
import type { ClimbEnd, DeliverySteps } from './rung.ts';
import { type Shot, shoot } from './screen.ts';
import { promptOf } from './standing.ts';

export type { Place, Target } from './guard.ts';
export {
  type Look,
  type Obstacle,
  type Preflight,
  preflight,
  shellRisk,
  UNSEEN_PROCESSES,
} from './preflight.ts';
export type { DeliverySteps } from './rung.ts';

/** How a delivery ended. The same text may be tried again only after `blocked`, when nothing was pasted. */
export type DeliveryEnd = ClimbEnd | { kind: 'blocked'; obstacle: Obstacle };

/**
 * Hands a text to the agent in a pane: looks, pastes once, waits until the text is seen, presses Enter, and waits for
 * the proof that it was taken. Every key is sent under a guard that tmux tests in the same command.
 * @param text a few KB at most; control characters other than line feeds are removed
 * @param glance the pane's current screen, if it has just been read
 * @returns how it ended; it rejects only when `steps.pasting` does, or for an empty text, never because of tmux or the pane
 */
export async function deliver(
  place: Place,
  text: string,
  look: Look,
  steps: DeliverySteps,
  glance?: Shot,
): Promise<DeliveryEnd> {
  const clean = scrub(text);
  if (clean.trim() === '') throw new MamError('bad_input', 'There is no text to deliver.');
  const free = await preflight(place, look, glance);
  if (!('shot' in free)) return notFree(free);
  if (steps.stop.aborted) return { kind: 'stopped', remains: false };
  await steps.pasting(free.shot);
  if (steps.stop.aborted) return { kind: 'stopped', remains: false };
  const { lines, cursor_x: column, cursor_y: row } = free.shot;
  const mustBeWhole = (look.others ?? []).length > 0;
  const prompt = promptOf(free.shot);
  const parked = bare(prompt) === '' ? { x: column, y: row } : undefined;
  const pasted = { text: clean, prompt, above: lines[row - 1], parked, mustBeWhole };
  try {
    const refusal = await paste(place, free.shot, clean);
    if (refusal !== undefined) return reclassify(place, look, refusal);
    return await climb({ ...place, text: clean, look, steps, before: free.shot.lines, pasted });
  } catch (error) {
    return lost(place, error);
  }
}

/** What a screen must show for a key to be pressed. */
export interface Shown {
  /** Called with the last look before the key. */
  mayPress(rows: readonly string[]): boolean;
  /** Rows that tmux itself checks right when the key is pressed. */
  rows: readonly string[];
}

/**
 * Presses a key (such as the agent's interrupt key) under the same guard as a delivery.
 * @param key tmux's name of the key: `Escape`, `C-c`
 * @returns undefined when it was pressed, else why not
 */
export async function pressKey(place: Place, key: string, shown?: Shown): Promise<string | undefined> {
  if (!/^[A-Za-z0-9-]+$/.test(key)) throw new MamError('internal', `${key} is not the name of a key.`);
  const shot = await shoot(place.server, place.target.pane);
  const reason = unfit(shot, place.target);
  if (shot === undefined || reason !== undefined) return reason?.why;
  if (shown?.mayPress(shot.lines) === false) return 'the screen has changed';
  return press(place, shot, [key], areShown(shown?.rows ?? []));
}

/** The pane changed between the look and the paste, so nothing was pasted: looks again to say what changed. */
async function reclassify(place: Place, look: Look, answer: string) {
  const again = await preflight(place, look);
  const evidence = `the pane changed at the paste: ${answer}`;
  return notFree('shot' in again ? { obstacle: { by: 'not_ready', evidence } } : again);
}

function notFree(found: Exclude<Preflight, { shot: Shot }>): DeliveryEnd {
  return 'gone' in found ? { kind: 'gone', why: found.gone } : { kind: 'blocked', obstacle: found.obstacle };
}

/** tmux failed when the paste may have happened: the pane is gone with its server, or the result is unknown. */
async function lost({ server, target }: Place, error: unknown): Promise<DeliveryEnd> {
  const why = error instanceof Error ? error.message : String(error);
  try {
    const reason = unfit(await shoot(server, target.pane), target);
    if (reason?.by === 'gone') return { kind: 'gone', why: reason.why };
  } catch (again) {
    if (again instanceof MamError && again.code === 'not_found') return { kind: 'gone', why: again.message };
  }
  return { kind: 'unverified', why };
}

/** Escape sequences would end the bracketed paste and type on their own. */
function scrub(text: string): string {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\t/g, ' ');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  return lines.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '');
}
