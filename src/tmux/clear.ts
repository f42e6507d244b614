import { type Place, press, unfit } from './guard.ts';
import { classify, type ScreenPatterns, type Shot, shoot } from './screen.ts';
import { type Pasted, standing } from './standing.ts';

/**
 * Removes an unsubmitted text of ours from the input box, and nothing else.
 * @param keys tmux's names of the keys that do it, in order
 * @returns true when the text was there alone and the keys were pressed
 */
export async function clearOwnText(
  place: Place,
  pasted: Pasted,
  keys: readonly string[],
  patterns: ScreenPatterns,
): Promise<boolean> {
  const { server, target } = place;
  const shot = await shoot(server, target.pane);
  // A key that empties the box of an idle agent may interrupt a busy one.
  if (['busy', 'dialog'].includes(classify(shot?.lines ?? [], patterns))) return false;
  if (shot === undefined || unfit(shot, target) !== undefined || standing(shot, pasted) !== 'alone')
    return false;
  const word = wordAtCursor(shot, pasted.text);
  return word !== undefined && (await press(place, shot, keys, [`#{C:${word}}`])) === undefined;
}

/** The longest word of our text in the cursor's row: tmux checks for it right when the keys are pressed. */
function wordAtCursor({ lines, cursor_y }: Shot, text: string): string | undefined {
  const words = (lines[cursor_y] ?? '').match(/[A-Za-z0-9_-]+/g) ?? [];
  return words.filter((word) => text.includes(word)).sort((a, b) => b.length - a.length)[0];
}
