/** By how many letters a mistyped word may differ from the intended one. */
const MAX_DISTANCE = 3;

/** The word that was probably meant: the only one that begins with `typed`, or else the closest, if any is close. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const longer = typed.length < 2 ? [] : words.filter((word) => word.startsWith(typed));
  if (longer.length === 1) return longer[0];
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, Math.floor(typed.length / 2)) + 1;
  for (const word of words) {
    if (Math.abs(word.length - typed.length) >= bestDistance) continue;
    const d = distance(typed.toLowerCase(), word.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [word, d];
  }
  return best;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
