/** The arguments for each of these words, for a program that takes all of them as values of one option. */
export function optionFor(option: string, words: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(words.map((word) => [word, [option, word]]));
}
