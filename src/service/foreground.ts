import { execa } from 'execa';
import type { Settings } from '../settings/config.ts';
import { hubEnvironmentOf } from '../settings/environment.ts';
import { programPath } from '../settings/program.ts';

/** A hub that the system runs never ends because nobody needs it, in seconds: the system would only start it again. */
const NEVER = '1000000000';

/** Runs the hub as a child until it ends, and passes signals on to it. @returns its exit code */
export async function runInForeground(settings: Settings): Promise<number> {
  const child = execa(process.execPath, [programPath(), 'hub-process'], {
    cwd: '/',
    env: { ...hubEnvironmentOf(settings), MAM_HUB_IDLE_SECONDS: NEVER },
    extendEnv: false,
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  const end = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
  const { exitCode = 1 } = await child;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, end);
  return exitCode;
}
