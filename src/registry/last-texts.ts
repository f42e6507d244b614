/** How much of them is kept, in characters. */
const KEPT_CHARS = 4 * 1024 * 1024;

const kept = new Map<string, string>();
let chars = 0;

/** Keeps a text for a while that lies in a file of a job, so that it can be written again when that is removed. */
export function keepText(hash: string, text: string): void {
  if (kept.has(hash) || text.length > KEPT_CHARS / 4) return;
  kept.set(hash, text);
  chars += text.length;
  for (const [oldest, { length }] of kept) {
    if (chars <= KEPT_CHARS) return;
    kept.delete(oldest);
    chars -= length;
  }
}

/** The text of this hash (sha256), if it is still known. */
export function keptText(hash: string): string | undefined {
  return kept.get(hash);
}
