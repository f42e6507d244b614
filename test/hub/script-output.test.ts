import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runScript } from '../../src/checks/script.ts';
import { sharingWith } from '../support/lab-test.ts';

/** How long this process is busy, in ms: longer than an ended script's output may be silent. */
const BUSY_MS = 400;

/** Keeps this process busy for some ms, as a loaded machine does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

sharingWith({})('all that a script printed is read, however busy its reader is', async ({ lab }) => {
  const script = join(lab.project, 'check.sh');
  writeFileSync(script, 'echo begin; sleep 0.4; echo middle; echo end >&2; exit 3\n');
  let read = '';
  const { code, output } = await runScript({
    script,
    workdir: lab.project,
    env: { PATH: process.env['PATH'] ?? '' },
    stop: new AbortController().signal,
    started: () => {
      // The end of another child makes Node look for all that have ended, whose output it may not have read.
      spawn('true').once('exit', () => block(BUSY_MS));
      block(BUSY_MS / 2);
    },
    onOutput: (chunk) => {
      read += chunk.toString();
      if (read === 'begin\n') block(2 * BUSY_MS);
    },
  });
  expect(code).toBe(3);
  expect(read).toBe('begin\nmiddle\nend\n');
  expect(output).toBe(read);
});
