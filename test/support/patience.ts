import { spawn } from 'node:child_process';

/** How long Node takes to start on one idle core of the machine for which the limits were chosen, in ms. */
const USUAL_MS = 50;
/** The maximum factor: a machine that seems slower has another problem. */
const MOST = 20;

/**
 * The factor by which waits are longer on this machine, measured by how long Node takes to start under the current
 * load.
 * @param atOnce how many of the tests' processes work at a time
 */
export async function measurePatience(atOnce: number): Promise<number> {
  const starts = Array.from({ length: atOnce }, startNode);
  const took = Math.max(...(await Promise.all(starts)));
  return Math.min(MOST, Math.max(1, took / USUAL_MS));
}

/** @returns what one start takes, in ms */
function startNode(): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', () => resolve(performance.now() - began));
  });
}
