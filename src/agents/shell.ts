/** The command line of a hook, for an agent that runs it through a shell; `exec` saves keeping that. */
export function shellCommand(words: readonly string[]): string {
  return `exec ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}`;
}
