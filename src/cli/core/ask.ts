import { isTerminal } from './output.ts';

/** True if a person can be asked something. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && isTerminal();
}

/** Asks a person on the terminal. @returns true only for a clear yes */
export async function askYes(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and the end of the input mean no.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
