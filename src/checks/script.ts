import { randomUUID } from 'node:crypto';
import { constants as system } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { awake } from '../base/awake.ts';
import { MamError } from '../base/errors.ts';
import { clean, tailWithin } from '../base/text.ts';
import { jobPaths } from '../registry/paths.ts';
import { scrubbedEnvironment } from '../settings/environment.ts';
import { CHECK_VARIABLES } from '../settings/table.ts';
import { CappedLog } from './capped-log.ts';
import { endFamily } from './check-family.ts';
import { checkScriptFolder, scriptStart, whyNotStarted } from './script-start.ts';

/** The default time limit of a script, in seconds; its job or its caller may set another. */
const TIME_LIMIT_SECONDS = 600;
/** How much of the output is kept while the script runs, in characters; a log file has more. */
const TAIL_CHARS = 2_000;
/** How much of it a verdict carries, in bytes of JSON: its journal line must stay below 4 KiB, or it would be cut. */
const TAIL_BYTES = 2_000;
/** After a script has ended, its output counts as complete once it was silent for this time, in ms. */
const SILENCE_MS = 200;
/** A daemon that it left may print without end: how often to wait at most. */
const MOST_WAITS = 10;
/** Exit code of a script that hit its time limit, as with coreutils' `timeout`. */
const CUT_OFF = 124;

/** A script's environment: minimal, so that the result is the same whoever runs it. */
export function scriptEnvironment(
  registryDir: string,
  jobId: string,
  submitter: { path?: string | undefined; virtual_env?: string | undefined },
): Record<string, string> {
  return {
    ...scrubbedEnvironment(),
    JOB_ID: jobId,
    REGISTRY_DIR: registryDir,
    [CHECK_VARIABLES.jobFolder]: jobPaths(registryDir, jobId).folder,
    ...(submitter.path !== undefined && { PATH: submitter.path }),
    ...(submitter.virtual_env !== undefined && { VIRTUAL_ENV: submitter.virtual_env }),
  };
}

/** The end of an output, cleaned, as a verdict carries it. */
export function outputTail(output: string): string {
  return tailWithin(clean(output), TAIL_BYTES);
}

export interface ScriptEnd {
  /** The script's exit code; 128 + n for signal n, 124 for a timeout. */
  code: number;
  /** The end of what it printed. */
  output: string;
  /** The time limit that ended it, in seconds; then there is no verdict. */
  cutOffAfter?: number;
}

/** What a script runs with. */
export interface ScriptRun {
  script: string;
  workdir: string;
  /** Receives the beginning and the end of the output once the script has ended: the script must not find it. */
  logFile?: string | undefined;
  /** 600 if absent. */
  timeoutSeconds?: number | undefined;
  /** Receives the output as it arrives, byte for byte. */
  onOutput?: ((chunk: Buffer, from: 'stdout' | 'stderr') => void) | undefined;
  stop: AbortSignal;
  /** Called with the process id, which is also its group id, and with the mark of everything it starts. */
  started(pid: number, mark: string): void;
  env: Record<string, string>;
}

/**
 * Runs a validation script. Everything it started is killed when it ends.
 * @throws MamError `unavailable` if it could not be run
 */
export async function runScript(run: ScriptRun): Promise<ScriptEnd> {
  checkScriptFolder(run.workdir);
  const { file, args } = scriptStart(run.script, run.env['PATH']);
  const log = run.logFile === undefined ? undefined : new CappedLog(run.logFile);
  const seconds = run.timeoutSeconds ?? TIME_LIMIT_SECONDS;
  // Nobody can guess it; every process that the script starts has it in its environment.
  const mark = randomUUID();
  const child = execa(file, args, {
    cwd: run.workdir,
    env: { ...run.env, [CHECK_VARIABLES.mark]: mark },
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    // A separate process group, so that what the script started ends with it.
    detached: true,
    cleanup: false,
  });
  const end = (): void => {
    if (child.pid !== undefined) endFamily(child.pid, mark);
  };
  let cutOff = false;
  const forgetLimit = awake.after(seconds * 1000, () => {
    cutOff = true;
    end();
  });
  run.stop.addEventListener('abort', end, { once: true });
  try {
    if (child.pid !== undefined) run.started(child.pid, mark);
    // Leftover processes would keep the script's output open, and must end with it anyway.
    const exited = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) =>
      child.once('exit', (exitCode, signal) => {
        end();
        // A daemon that left the group may hold the output open forever.
        void untilSilent(() => bytes).then(() => resolve({ exitCode, signal }));
      }),
    );
    let output = '';
    let bytes = 0;
    for (const from of ['stdout', 'stderr'] as const) {
      // A chunk may end in the middle of a character.
      const decoder = new StringDecoder('utf8');
      child[from]?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        log?.write(chunk);
        output = (output + decoder.write(chunk)).slice(-4 * TAIL_CHARS);
        run.onOutput?.(chunk, from);
      });
    }
    const result = await Promise.race([child, exited]);
    const { exitCode, signal } = result;
    if (cutOff) return { code: CUT_OFF, output, cutOffAfter: seconds };
    if (typeof exitCode === 'number') return { code: exitCode, output };
    if (typeof signal === 'string')
      return { code: 128 + (system.signals[signal as NodeJS.Signals] ?? 0), output };
    throw new MamError(
      'unavailable',
      `The script ${run.script} could not be started: ${whyNotStarted(result)}.`,
      `Check ${run.script} and the folder ${run.workdir}.`,
    );
  } finally {
    forgetLimit();
    run.stop.removeEventListener('abort', end);
    end();
    child.stdout?.destroy();
    child.stderr?.destroy();
    log?.end();
  }
}

/** Resolves once a script that has ended printed nothing for a while. @param bytes how much it has printed */
async function untilSilent(bytes: () => number): Promise<void> {
  for (let waits = 0, before = -1; waits < MOST_WAITS && bytes() !== before; waits++) {
    before = bytes();
    await sleep(SILENCE_MS);
    // In a busy process the time is over before the pipes were read.
    await nextTurn();
  }
}
