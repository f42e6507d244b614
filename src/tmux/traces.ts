import { bare, locate, shows } from './own-text.ts';
import type { Climb } from './rung.ts';
import type { Shot } from './screen.ts';
import { beginOfBox, endOfBox, type Pasted, promptOf, signOf } from './standing.ts';

/** The length of the end of our text that is looked for in a transcript, in characters without blanks. */
const END = 40;

/** Finds what a text leaves on the screen when its agent takes it, as opposed to what appears there by itself. */
export class Traces {
  readonly #held: Shot;
  readonly #pasted: Pasted;
  /** Ways in which a transcript may show the text, and how often each was outside the box before Enter. */
  readonly #marks: ReadonlyMap<string, number>;
  /** Everything that was on the screen before the paste, or while the text was in its box. */
  readonly #known: string[];
  /** Looks with something new above the box while the text was still in it. */
  #streams = 0;
  /** The box has held other words, so a turn that begins, or something new, may be a person's. */
  wasTypedOver = false;

  /** @param held the look at which Enter was pressed */
  constructor({ before, text }: Pick<Climb, 'before' | 'text'>, held: Shot, pasted: Pasted) {
    this.#held = held;
    this.#pasted = pasted;
    const words = [bare(text).slice(-END), pasted.placeholder ?? ''].filter((mark) => mark !== '');
    this.#marks = new Map(words.map((mark) => [mark, locate(this.#outside(held), mark).count]));
    this.#known = [wordsOf(before)];
    if (before.length > 0) this.note(held);
    else this.#known.push(wordsOf(held.lines));
  }

  /** Notes a look with the text still in its box. */
  note(shot: Shot): void {
    if (this.#newRow(shot) !== undefined) this.#streams++;
    const words = wordsOf(shot.lines);
    if (words !== this.#known.at(-1)) this.#known.push(words);
  }

  /** The proof that the text, which has left its box, was taken. @param isHidden a dialog may hide the box */
  find(shot: Shot, isHidden: boolean): string | undefined {
    // A box at the top of its screen has its transcript below.
    const outside = this.#outside(shot);
    // A line that a person has abandoned stays where it was.
    for (const [mark, count] of this.#marks)
      if (locate(outside, mark).count > count && locate(outside, `${mark}^C`).count === 0)
        return `the text left the box and is ${shows(this.#above(shot), mark) ? 'above' : 'below'} it`;
    if (this.wasTypedOver) return undefined;
    // What appears and disappears by itself, or with the size of the pane, is not the agent's answer.
    const isSteady = !isHidden && this.#streams < 2 && this.hasSize(shot);
    const row = isSteady ? this.#newRow(shot) : undefined;
    return row && `the text left the box; the screen shows: ${row.trim().slice(0, 120)}`;
  }

  /** True when the box has other words, after the prompt and before the cursor. */
  isTypedOver(shot: Shot): boolean {
    const [sign, now] = [signOf(this.#pasted.prompt), signOf(promptOf(shot))];
    const isTypedOver = sign !== '' && now.startsWith(sign) && now !== sign;
    this.wasTypedOver ||= isTypedOver;
    return isTypedOver;
  }

  /** True while the pane has the same size as at Enter. */
  hasSize({ width, lines }: Shot): boolean {
    return width === this.#held.width && lines.length === this.#held.lines.length;
  }

  /** A row above the box that was on no screen before. Digits are ignored: counters and clocks are nothing new. */
  #newRow(shot: Shot): string | undefined {
    return this.#above(shot).findLast((row) => {
      const words = wordsOf([row]);
      return /\p{L}/u.test(words) && !this.#known.some((one) => one.includes(words));
    });
  }

  #outside(shot: Shot): string[] {
    return [...this.#above(shot), ...shot.lines.slice(endOfBox(shot))];
  }

  #above(shot: Shot): string[] {
    return shot.lines.slice(0, beginOfBox(shot, this.#pasted.prompt));
  }
}

function wordsOf(lines: readonly string[]): string {
  return lines.map(bare).join('').replace(/\d+/g, '0');
}
