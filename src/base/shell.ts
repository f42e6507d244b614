/** A word as it is typed into a shell: quoted where that needs it. */
export function shellWord(word: string): string {
  return /^[\w@%+:,./-]+$/.test(word) ? word : inQuotes(word);
}

/** A word as a shell takes it, whatever is in it. */
export function inQuotes(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line of a hook, for an agent that runs it through a shell; `exec` saves keeping that. */
export function shellCommand(words: readonly string[]): string {
  return `exec ${words.map(inQuotes).join(' ')}`;
}
