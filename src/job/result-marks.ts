/** Where a prompt names the result of another job: `{{result:ID}}`. */
const MARK = /\{\{\s*result\s*:\s*([^\s{}]+)\s*\}\}/g;

/** The ids that a prompt names, as they are written there, each once. */
export function namedResults(prompt: string): string[] {
  return [...new Set([...prompt.matchAll(MARK)].map(([, id = '']) => id))];
}

/**
 * The prompt with those results in their places. What a result says is not looked at again.
 * @param of the text for an id as it is written; undefined leaves that place as it is
 */
export function withNamedResults(prompt: string, of: (id: string) => string | undefined): string {
  return prompt.replace(MARK, (mark: string, id: string) => of(id) ?? mark);
}
