import { runDeclared } from './core/run-declared.ts';
import list from './list.ts';
import status from './status.ts';

/** The commands that only read files. They have a bundle of their own: scripts call them often. */
const COMMANDS = { list, status };

/** Runs `mam status` or `mam list`. @returns the exit code */
export function run(name: keyof typeof COMMANDS, args: string[]): Promise<number> {
  return runDeclared(name, COMMANDS[name], args);
}
