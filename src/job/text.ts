import { LIMITS } from './limits.ts';

/** Whole escape sequences go first, so that no `[31m` stays behind. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
/**
 * Characters that a terminal obeys or a reader can't see: controls (but not tab and newline), zero-width and
 * bidirectional ones. `util.stripVTControlCharacters` leaves several of them.
 */
const UNSAFE = /[^\P{Cc}\t\n]|[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;

/** Text of somebody else made harmless for a screen, a pane or a log: no escape sequence, no control character. */
export function clean(text: string): string {
  return text.replace(SEQUENCES, '').replace(UNSAFE, '');
}

/** The same on one line of at most `max` characters. */
export function cleanLine(text: string, max: number): string {
  const line = clean(text).replace(/\s+/g, ' ').trim();
  return line.length > max ? `${sliceUnits(line, 0, max - 1)}…` : line;
}

/** `text.slice(start, end)` in UTF-16 units that never splits a surrogate pair. */
export function sliceUnits(text: string, start: number, end: number): string {
  let stop = end;
  if (stop < text.length && isHighSurrogate(text.charCodeAt(stop - 1))) stop--;
  return text.slice(start, stop);
}

/** The end of a text that has at most so many bytes as JSON. */
export function tailWithin(text: string, bytes: number): string {
  let tail = text.slice(-bytes);
  while (Buffer.byteLength(JSON.stringify(tail)) > bytes) tail = tail.slice(Math.ceil(tail.length / 16));
  return tail.replace(/^[\udc00-\udfff]/, '');
}

/**
 * A page of a task.
 * @param offset UTF-16 unit to begin with; one inside a pair is moved before it
 * @returns at most 16,000 characters and 32 KB of UTF-8, and the next page's offset if there is one
 */
export function taskPage(text: string, offset: number): { page: string; next: number | undefined } {
  let start = Math.min(Math.max(0, offset), text.length);
  if (start > 0 && start < text.length && isLowSurrogate(text.charCodeAt(start))) start--;
  let page = sliceUnits(text, start, start + LIMITS.taskPageChars);
  while (Buffer.byteLength(page) > LIMITS.taskPageBytes) {
    // A unit of UTF-16 is 3 bytes of UTF-8 at most, so this shrinks to a fit in a few steps.
    const fit = Math.floor((page.length * LIMITS.taskPageBytes) / Buffer.byteLength(page));
    page = sliceUnits(page, 0, Math.min(fit, page.length - 1));
  }
  const end = start + page.length;
  return { page, next: end < text.length ? end : undefined };
}

/** True when the text has half a surrogate pair: it could not be kept byte for byte. */
export function hasLoneSurrogate(text: string): boolean {
  return !text.isWellFormed();
}

/** The words of a prompt that stand in lists and on retained topics. */
export function promptPreview(prompt: string): string {
  return cleanLine(prompt.slice(0, 2 * LIMITS.promptPreviewChars), LIMITS.promptPreviewChars);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
