import { createHash } from 'node:crypto';
import { accessSync, constants, createWriteStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { scrubbedEnvironment } from '../config.ts';
import { MamError } from '../errors.ts';
import { clean, tailWithin } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import { startOf } from '../processes.ts';
import type { LiveJob, Recorded } from './live-job.ts';
import type { Registrar } from './registrar.ts';

/** A script may take this long, in seconds. */
const TIME_LIMIT_SECONDS = 600;
/** How much of the output is kept while the script runs, in characters; `validate.log` has it all. */
const TAIL_CHARS = 2_000;
/** How much of it the verdict carries, in bytes of JSON: its journal line must stay below 4 KiB, or it would be cut. */
const TAIL_BYTES = 2_000;
/** How long the rest of the output is waited for after the script's end, in ms. */
const REST_MS = 200;
/** Exit code of a script that was ended by its time limit, as `timeout` of coreutils has it. */
const TIMED_OUT = 124;
/** Exit code of a script that could not be started, as shells have it. */
const NOT_STARTED = 127;

/** The hash of a script that can be read. @throws MamError `bad_input` for one that can't */
export function scriptHash(path: string): string {
  try {
    if (!statSync(path).isFile()) throw new Error('no file');
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch (error) {
    throw new MamError(
      'bad_input',
      `The validation script ${path} cannot be read.`,
      'Give the path of a readable script.',
      {
        cause: error,
      },
    );
  }
}

/** Runs the script of a job that its peer has called completed, and records the verdict. */
export class Validator {
  private readonly registrar: Registrar;
  private readonly running = new Map<string, AbortController>();

  constructor(registrar: Registrar) {
    this.registrar = registrar;
  }

  /** Starts a script when a job begins to be validated, and ends it when the job ends another way. */
  onRecorded(job: LiveJob, { after }: Recorded): void {
    if (after.phase === 'validating') this.start(job);
    else if (isFinal(after.status)) this.running.get(job.id)?.abort();
  }

  /** Takes up a validation that the last hub did not finish. */
  resume(job: LiveJob): void {
    if (job.record.phase !== 'validating') return;
    const left = job.record.validation?.process;
    if (left !== undefined && startOf(left.pid) === left.start) endGroup(left.pid);
    this.start(job);
  }

  /** Ends what runs; the next hub runs it again. */
  stop(): void {
    for (const run of this.running.values()) run.abort();
  }

  private start(job: LiveJob): void {
    if (this.running.has(job.id)) return;
    const run = new AbortController();
    this.running.set(job.id, run);
    void this.validate(job, run.signal).finally(() => this.running.delete(job.id));
  }

  private async validate(job: LiveJob, stop: AbortSignal): Promise<void> {
    const { validation, workdir, log_dir: logDir } = job.record;
    if (validation === undefined) return;
    let changed = false;
    let code: number;
    let output: string;
    try {
      changed = scriptHash(validation.script) !== validation.script_sha256;
      ({ code, output } = await runScript({
        script: validation.script,
        workdir,
        logFile: join(logDir, 'validate.log'),
        stop,
        started: (pid) =>
          void this.registrar.note(job, 'validating', { data: { pid, start: startOf(pid) ?? '' } }),
        env: {
          ...scrubbedEnvironment(),
          JOB_ID: job.id,
          REGISTRY_DIR: job.registryDir,
          MAM_JOB_DIR: job.paths.folder,
          ...(validation.path !== undefined && { PATH: validation.path }),
          ...(validation.virtual_env !== undefined && { VIRTUAL_ENV: validation.virtual_env }),
        },
      }));
    } catch (error) {
      code = NOT_STARTED;
      output = (error as Error).message;
    }
    if (stop.aborted) return;
    await this.registrar.note(job, 'validated', {
      data: {
        passed: code === 0,
        exit_code: code,
        output_tail: tailWithin(clean(output), TAIL_BYTES),
        ...(changed && { script_changed: true }),
      },
    });
  }
}

/** How a script's process ended. */
interface Ending {
  exitCode?: number | null | undefined;
  signal?: string | null | undefined;
  shortMessage?: string | undefined;
}

/** What a script runs with. */
export interface ScriptRun {
  script: string;
  workdir: string;
  logFile: string;
  stop: AbortSignal;
  /** Called with the process id, which is the id of its group as well. */
  started(pid: number): void;
  env: Record<string, string>;
}

/**
 * Runs a validation script: itself when it is executable, else with bash. Its whole process group ends with it.
 * @returns its exit code (128 + n for signal n) and the end of what it printed
 * @throws when it could not be started
 */
export async function runScript(run: ScriptRun): Promise<{ code: number; output: string }> {
  const [file, args] = isExecutable(run.script) ? [run.script, []] : ['bash', [run.script]];
  const child = execa(file, args, {
    cwd: run.workdir,
    env: run.env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    // A group of its own, so that what the script started ends with it.
    detached: true,
    cleanup: false,
  });
  const end = (): void => {
    if (child.pid !== undefined) endGroup(child.pid);
  };
  if (child.pid !== undefined) run.started(child.pid);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, TIME_LIMIT_SECONDS * 1000);
  run.stop.addEventListener('abort', end, { once: true });
  // What the script left behind would keep its output open, and must end with it anyway.
  const exited = new Promise<Ending>((resolve) =>
    child.once('exit', (exitCode, signal) => {
      end();
      // A daemon that left the group may hold the output open for ever; the script's own has come by then.
      setTimeout(() => resolve({ exitCode, signal }), REST_MS);
    }),
  );
  let output = '';
  const log = createWriteStream(run.logFile, { flags: 'a', mode: 0o600 });
  log.on('error', () => {});
  child.all?.on('data', (chunk: Buffer) => {
    log.write(chunk);
    output = (output + chunk.toString()).slice(-4 * TAIL_CHARS);
  });
  try {
    const result: Ending = await Promise.race([child, exited]);
    if (timedOut) return { code: TIMED_OUT, output: `${output}\nEnded after ${TIME_LIMIT_SECONDS} s.` };
    if (typeof result.exitCode === 'number') return { code: result.exitCode, output };
    if (typeof result.signal === 'string') return { code: 128 + (signalNumber(result.signal) ?? 0), output };
    throw new MamError(
      'unavailable',
      `The script could not be started: ${result.shortMessage ?? 'unknown reason'}`,
    );
  } finally {
    clearTimeout(timer);
    run.stop.removeEventListener('abort', end);
    end();
    child.all?.destroy();
    await new Promise<void>((resolve) => log.end(resolve));
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended already.
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function signalNumber(signal: string): number | undefined {
  const numbers: Record<string, number> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  };
  return numbers[signal];
}
