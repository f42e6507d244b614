import { explain } from '../../base/errors.ts';
import { commandWords } from '../../view/command-words.ts';
import type { Command, Given } from './command.ts';
import { EXIT, exitCodeFor } from './exit.ts';
import { helpText, synopsisOf } from './help.ts';
import { endWithReader, fail, print } from './output.ts';
import { parseCommandLine } from './parse.ts';

/** A longer usage is replaced by a pointer to the help. */
const USAGE_CHARS = 100;

/** Runs a command line. @returns its exit code: 64 for wrong usage, 69 for other failures, with a sentence on stderr */
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
