import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { awake } from '../../base/awake.ts';
import { systemCode } from '../../base/errors.ts';
import { sendSignal } from '../../base/processes.ts';
import { cleanLine, tailWithin } from '../../base/text.ts';

/** How long to wait for the rest of its output once it has ended, in ms: what it left may hold its pipes open. */
const OUTPUT_DELAY_MS = 200;
/** How much of its output is kept, in characters: the end. */
const OUTPUT_CHARS = 4_000;
const LINE_CHARS = 300;

export interface CommandRun {
  /** A text for `sh -c`, or a program with its arguments. */
  command: string | readonly string[];
  input: string;
  env: Record<string, string>;
  cwd: string;
  /** How long it may run. */
  timeoutMs: number;
  /** Ends it. */
  stop: AbortSignal;
  /** Called with its process id, which is also its group id. */
  started: (pid: number) => void;
}

export interface CommandEnd {
  took_ms: number;
  /** Why it failed, with the last line of its errors; absent if it ended with 0. */
  problem?: string;
  /** The end of what it printed. */
  output: string;
}

/** Runs a command in its own process group, which is ended after a time limit. Never throws. */
export async function runCommand(run: CommandRun): Promise<CommandEnd> {
  const { command, input, env, cwd, timeoutMs, stop } = run;
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const began = performance.now();
  const texts = { stdout: '', stderr: '', both: '' };
  const took = (): number => Math.round(performance.now() - began);
  const failed = (why: string): CommandEnd => {
    const line = texts.stderr.trimEnd().split('\n').at(-1) ?? '';
    const last = cleanLine(line, LINE_CHARS);
    return { took_ms: took(), problem: last === '' ? why : `${why}: ${last}`, output: texts.both };
  };
  let ended: 'stopped' | 'late' | undefined;
  let forgetLimit: (() => void) | undefined;
  let end: (() => void) | undefined;
  try {
    const child = spawn(file, args, { cwd, env, detached: true, stdio: 'pipe' });
    const { pid } = child;
    const endGroup = (why: 'stopped' | 'late'): void => {
      ended ??= why;
      if (pid !== undefined) sendSignal(-pid, 'SIGKILL');
    };
    forgetLimit = awake.after(timeoutMs, () => endGroup('late'));
    end = () => endGroup('stopped');
    stop.addEventListener('abort', end, { once: true });
    for (const from of ['stdout', 'stderr'] as const) {
      // A chunk may end in the middle of a character.
      const decoder = new StringDecoder('utf8');
      child[from].on('data', (chunk: Buffer) => {
        const text = decoder.write(chunk);
        for (const name of [from, 'both'] as const) texts[name] = (texts[name] + text).slice(-OUTPUT_CHARS);
      });
    }
    // Many commands do not read it.
    child.stdin.on('error', () => {});
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const result = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
      if (pid !== undefined) run.started(pid);
      child.stdin.end(input);
    });
    await Promise.race([closed, sleep(OUTPUT_DELAY_MS)]);
    child.stdout.destroy();
    child.stderr.destroy();
    if (ended === 'late') return failed(`it was ended after ${timeoutMs / 1000} s`);
    if (ended === 'stopped') return failed('it was ended with the hub');
    if (result.signal !== null) return failed(`it was ended by ${result.signal}`);
    if (result.code !== 0) return failed(`it ended with exit code ${result.code}`);
    return { took_ms: took(), output: tailWithin(texts.both, OUTPUT_CHARS) };
  } catch (error) {
    const code = systemCode(error);
    const missing = `there is no program ${cleanLine(file, LINE_CHARS)} on the PATH of the hub`;
    return failed(
      code === 'ENOENT' ? missing : `it could not be started (${code ?? (error as Error).message})`,
    );
  } finally {
    forgetLimit?.();
    if (end !== undefined) stop.removeEventListener('abort', end);
  }
}
