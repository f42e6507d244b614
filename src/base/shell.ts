/** A word as it is typed into a shell: quoted where necessary. */
export function shellWord(word: string): string {
  return /^[\w@%+:,./-]+$/.test(word) ? word : inQuotes(word);
}

/** A text as the last word of a command of mam: also one that looks like an option is a text there. */
export function lastWord(text: string): string {
  return text.startsWith('-') ? `-- ${shellWord(text)}` : shellWord(text);
}

/** A word in quotes, safe for a shell whatever it contains. */
export function inQuotes(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line of a hook, for an agent that runs it through a shell; `exec` replaces that shell. */
export function shellCommand(words: readonly string[]): string {
  return `exec ${words.map(inQuotes).join(' ')}`;
}
