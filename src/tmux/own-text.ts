/**
 * What programs put around and into wrapped text: blanks, box drawing, block elements, ASCII borders, the ends of scroll
 * bars, symbols for line breaks. And what they leave out: joiners and variation selectors.
 */
const DECORATION =
  /[\s\u2500-\u259f\u25b2\u25b4\u25bc\u25be\u21b5\u23ce|\p{Default_Ignorable_Code_Point}]+/gu;
/** What agents show in place of a long paste: `[Pasted text #1 +2 lines]`, `[Pasted Content 5614 chars]`, … */
export const PLACEHOLDER = /\[Pasted [^\]]*\]/;
/** Length of the end of our text that is looked for, in characters without blanks. */
const TAIL = 24;

/** Whether a text is on the screen, however a program wrapped, indented or framed it. */
export function shows(lines: string[], needle: string): boolean {
  return locate(lines, needle).count > 0;
}

/** The rows with the last occurrence of a text, and how often it is there. */
export function locate(lines: string[], needle: string): { count: number; first: number; last: number } {
  const wanted = bare(needle);
  const result = { count: 0, first: -1, last: -1 };
  if (wanted === '') return result;
  const rows = lines.map(bare);
  const text = rows.join('');
  let found = -1;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    result.count++;
    found = at;
  }
  for (let row = 0, end = 0; found >= 0 && row < rows.length; row++) {
    const start = end;
    end += rows[row]?.length ?? 0;
    if (start <= found && found < end) result.first = row;
    if (found + wanted.length <= end) {
      result.last = row;
      break;
    }
  }
  return result;
}

/** An end of a text that is long enough to occur in it only once: a job id occurs several times. */
function uniqueEnd(whole: string): string {
  for (let length = TAIL; length < whole.length; length++) {
    const end = whole.slice(-length);
    if (whole.indexOf(end) === whole.length - length) return end;
  }
  return whole;
}

/** False for the placeholder of another text: most name its number of lines or characters, some one less. */
function mayStandFor(placeholder: string, text: string): boolean {
  const [, count, unit] = /(\d+) (line|char)/.exec(placeholder) ?? [];
  if (count === undefined) return true;
  if (unit === 'line') return Math.abs(Number(count) - text.split('\n').length) <= 1;
  return Number(count) >= [...text].length - 1 && Number(count) <= Buffer.byteLength(text);
}

/** What proves that our text is in the box. */
export interface Sight {
  evidence: string;
  /** The text by which it can be found again; absent when only a change of the screen was seen. */
  mark: string | undefined;
}

/** A text about to be pasted. Parts of it that were on the screen before prove nothing. */
export class OwnText {
  readonly #before: string[];
  readonly #text: string;
  readonly #needle: string;
  readonly #tail: string;
  readonly #isLong: boolean;
  readonly #known = new Map<string, number>();

  /** @param before the screen before the paste @param needle a word of the text that names it, such as the job id */
  constructor(before: string[], text: string, needle: string) {
    const whole = bare(text);
    this.#before = before;
    this.#text = text;
    this.#needle = needle;
    this.#tail = uniqueEnd(whole);
    this.#isLong = whole.length > TAIL;
  }

  /** Looks for the text on the screen after the paste. Returns undefined when the screen is just as before. */
  sight(now: string[]): Sight | undefined {
    if (sameLines(this.#before, now)) return undefined;
    const hasNeedle = this.isNew(now, this.#needle);
    if ((hasNeedle || this.#isLong) && this.isNew(now, this.#tail)) {
      const evidence = hasNeedle ? `the text with ${this.#needle}` : 'the end of the text';
      return { evidence: `${evidence} is on the screen`, mark: this.#tail };
    }
    const placeholder = now
      .map((line) => PLACEHOLDER.exec(line)?.[0])
      .findLast((found) => found !== undefined && mayStandFor(found, this.#text));
    if (placeholder !== undefined && this.isNew(now, placeholder))
      return { evidence: `the screen shows ${placeholder.slice(0, 60)}`, mark: placeholder };
    if (hasNeedle) return { evidence: `${this.#needle} is on the screen`, mark: this.#needle };
    return { evidence: 'the screen changed after the paste', mark: undefined };
  }

  /** True when a word is on the screen more often than before the paste. */
  isNew(now: string[], word: string): boolean {
    let known = this.#known.get(word);
    if (known === undefined) {
      known = locate(this.#before, word).count;
      this.#known.set(word, known);
    }
    return locate(now, word).count > known;
  }
}

/** The rows that are not ours: words of the pasted text must not be taken for a dialog of the agent. */
export function withoutOwn(lines: string[], text: string): string[] {
  const own = bare(text);
  return lines.filter((line) => {
    const words = bare(line).replace(/^[^\p{L}\p{N}]+/u, '');
    return words.length < 6 || !own.includes(words);
  });
}

export function sameLines(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((line, row) => line === b[row]);
}

/** A text without blanks and what programs draw around it. */
export function bare(text: string): string {
  return text.replace(DECORATION, '');
}
