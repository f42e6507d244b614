import { existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { livingOwner } from '../registry/lock.ts';
import { programPath } from '../settings/program.ts';
import { type Stage, stageEnvironment } from './stage.ts';
import { until } from './until.ts';

/** A hub listens within this time, in ms; measured: 120 to 200. */
const START_MS = 10_000;
const LOG_LINES = 10;

/** Starts the demo's hub. @returns its process id, when it listens */
export async function startHub(stage: Stage): Promise<number> {
  const child = execa(process.execPath, [programPath(), 'hub-process'], {
    cwd: '/',
    env: stageEnvironment(stage),
    extendEnv: false,
    // As every hub: a group of its own, none of our streams, and it may outlive us (--keep).
    detached: true,
    stdio: 'ignore',
    cleanup: false,
    reject: false,
  });
  child.unref();
  let ended = false;
  void child.then(() => {
    ended = true;
  });
  // It writes this file once it listens.
  await until(() => ended || existsSync(stage.home.hubFile), START_MS);
  if (child.pid !== undefined && existsSync(stage.home.hubFile)) return child.pid;
  child.kill('SIGKILL');
  throw new MamError(
    'unavailable',
    ended ? 'The hub has ended at once.' : `The hub did not start within ${START_MS / 1000} s.`,
  );
}

/** The process of the demo's hub, also of one that took the place of a first one; nothing when none runs. */
export function hubPid(stage: Stage): number | undefined {
  return livingOwner(stage.home.lock)?.pid;
}

/** The last lines of the hub's log. */
export function hubLog(stage: Stage): string[] {
  return orElse(() => readFileSync(stage.home.log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES), []);
}
