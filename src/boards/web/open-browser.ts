import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../base/find-program.ts';
import { makeFolder } from '../../base/folders.ts';
import { randomSuffix } from '../../base/ids.ts';

/** What opens a file in the user's browser, here. */
const OPENER = platform() === 'darwin' ? 'open' : 'xdg-open';

export interface Opening {
  /** Removes the file that led to the address. */
  forget(): void;
  /** Settles when the opener has ended. @returns what is wrong, as a sentence; undefined if nothing is */
  ended: Promise<string | undefined>;
}

/**
 * Opens an address in the user's browser. Every user of the machine can read a command line, so the address is not on
 * it: a private file leads there.
 * @throws the system's error if the file can't be written
 */
export async function openBrowser(address: string, home: string, path: string | undefined): Promise<Opening> {
  const folder = join(home, 'web');
  makeFolder(folder);
  const file = join(folder, `open-${randomSuffix()}.html`);
  const text = `<!doctype html><meta charset="utf-8"><title>mam</title><meta http-equiv="refresh" content="0;url=${address}">\n`;
  await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  const forget = (): void => rmSync(file, { force: true });
  const program = findProgram(OPENER, path);
  if (program === undefined) {
    forget();
    return {
      forget,
      ended: Promise.resolve(`There is no ${OPENER} on the PATH: open the address yourself.`),
    };
  }
  const child = spawn(program, [file], { stdio: 'ignore', detached: true });
  child.unref();
  const ended = new Promise<string | undefined>((resolve) => {
    const failed = `No browser was opened (${OPENER} failed): open the address yourself.`;
    child.once('error', () => resolve(failed));
    child.once('exit', (code) => resolve(code === 0 ? undefined : failed));
  });
  return { forget, ended };
}
