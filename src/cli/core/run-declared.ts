import { explain } from '../../base/errors.ts';
import { commandWords } from '../../view/command-words.ts';
import type { Command, Given } from './command.ts';
import { EXIT, exitCodeFor } from './exit.ts';
import { helpText } from './help.ts';
import { endWithReader, fail, print } from './output.ts';
import { parseCommandLine } from './parse.ts';
import { synopsisOf } from './synopsis.ts';

/** A longer usage says less than its help does. */
const USAGE_CHARS = 100;

/**
 * Reads a command line and runs the command; the one catch of every command.
 * @param name as the command is called
 * @param args what stands after the name
 * @returns the exit code: 64 for wrong usage, 69 for anything else that failed, each with one sentence on stderr
 */
export async function runDeclared(name: string, command: Command, args: string[]): Promise<number> {
  endWithReader();
  let given: Given | undefined;
  try {
    given = parseCommandLine(command, args);
  } catch (error) {
    const synopsis = `mam ${synopsisOf(name, command)}`;
    const usage = synopsis.length > USAGE_CHARS ? `See mam ${name} --help.` : `Usage: ${synopsis}`;
    return fail(`${explain(error)} ${usage}`, EXIT.usage);
  }
  if (given === undefined) {
    print(helpText(name, command).trimEnd());
    return EXIT.done;
  }
  try {
    return await command.run(given);
  } catch (error) {
    return fail(commandWords(explain(error)), exitCodeFor(error));
  }
}
