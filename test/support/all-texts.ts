import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The texts of all files under a folder, even while a hub writes there: a temporary file that is gone before it is read
 * is also read under its final name, or its content was not kept.
 */
export function allTexts(folder: string, but: (path: string) => boolean = () => false): string {
  const texts: string[] = [];
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) texts.push(allTexts(path, but));
    if (entry.isFile() && !but(path)) texts.push(textOf(path));
  }
  return texts.join('\n');
}

const entriesOf = (folder: string) => unlessGone(() => readdirSync(folder, { withFileTypes: true }), []);

const textOf = (path: string) => unlessGone(() => readFileSync(path, 'latin1'), '');

function unlessGone<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return gone;
    throw error;
  }
}
