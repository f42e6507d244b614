import type { ChildProcessWithoutNullStreams } from 'node:child_process';

/** What a process printed and how it ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running command. */
export interface RunningCommand {
  child: ChildProcessWithoutNullStreams;
  /** What it has printed so far. */
  seen: { stdout: string; stderr: string };
  /** Always resolves; a command that could not be started says so in its stderr. */
  ended: Promise<Ended>;
}

/** Collects what a process prints. */
export function collect(child: ChildProcessWithoutNullStreams): RunningCommand {
  const seen = { stdout: '', stderr: '' };
  child.stdin.on('error', () => {});
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      seen[name] += text;
    });
  }
  child.once('error', (error) => {
    seen.stderr += error.message;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, ...seen })),
  );
  return { child, seen, ended };
}
