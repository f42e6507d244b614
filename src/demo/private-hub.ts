import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { cleanLine } from '../base/text.ts';
import { programPath } from '../settings/program.ts';
import { commandOptions, type Stage } from './stage.ts';

/** A hub listens within this time, in ms; measured with the command that starts it: 300 to 500. */
const START_MS = 20_000;
const LOG_LINES = 10;
const WHY_CHARS = 300;

/** Starts the demo's hub. @returns its process id, when it listens @throws MamError `unavailable` when it does not */
export async function startHub(stage: Stage): Promise<number> {
  const { stdout, stderr, failed } = await runMam(stage, ['hub', 'restart', '--json'], START_MS);
  if (!failed) return (JSON.parse(stdout) as { pid: number }).pid;
  throw new MamError('unavailable', `The hub did not start: ${cleanLine(stderr, WHY_CHARS)}`);
}

/** Runs a command of this program on a stage. @param timeout in ms */
export function runMam(stage: Stage, words: readonly string[], timeout: number) {
  const [program = '', ...args] = [...stage.within, process.execPath, programPath(), ...words];
  return execa(program, args, { ...commandOptions(stage, timeout), reject: false });
}

/** The last lines of the hub's log. */
export function hubLog(stage: Stage): string[] {
  return orElse(() => readFileSync(stage.home.log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES), []);
}
