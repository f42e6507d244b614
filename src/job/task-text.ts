import { cleanLine, ownCopy, sliceUnits } from '../base/text.ts';
import { LIMITS } from './limits.ts';

/**
 * A page of a task.
 * @param offset UTF-16 unit to begin with; one inside a pair is moved before it
 * @returns at most 16,000 characters and 32 KB of UTF-8, and the offset of the next page, if any
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

/** Between a preamble and its task. */
const THE_TASK = '\n\n---\n\nThe task:\n\n';

/** What a peer is to do: what the configuration says about every task of its profile, then the task. */
export function wholeTask(preamble: string | undefined, task: string): string {
  return preamble === undefined ? task : `${preamble}${THE_TASK}${task}`;
}

/** The beginning of a prompt, for lists and retained topics. */
export function promptPreview(prompt: string): string {
  return cleanLine(ownCopy(prompt.slice(0, 2 * LIMITS.promptPreviewChars)), LIMITS.promptPreviewChars);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
