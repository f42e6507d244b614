import { spawn } from 'node:child_process';

/** What a start of Node takes on one idle core of the machine that the limits were chosen on, in ms. */
const USUAL_MS = 50;
/** A machine that seems slower than this is not waited for: something else is wrong with it. */
const MOST = 20;

/**
 * How many times the usual time is waited for what is due here: by what starts of Node take now, beside whatever else
 * the machine does.
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
