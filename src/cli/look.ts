import { runDeclared } from './core/run-declared.ts';
import list from './list.ts';
import status from './status.ts';

/** Runs `mam status` or `mam list`. @returns the exit code */
export function run(args: string[], name: string): Promise<number> {
  return runDeclared(name, name === 'list' ? list : status, args);
}
