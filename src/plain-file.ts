import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * The text of a plain file. A pipe in its place would be waited for until somebody writes, and no signal ends that.
 * @throws the system's error; one with the code EFTYPE for what is no plain file
 */
export function readPlainFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile())
      throw Object.assign(new Error(`${path} is no plain file`), { code: 'EFTYPE' });
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
