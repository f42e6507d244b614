import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MamError, systemCode } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { writeDurably } from '../registry/files.ts';

/** What `mam install` has written into which file, so that `--uninstall` takes back that and nothing else. */
export class Receipts {
  readonly #path: string;
  readonly #home: string;
  readonly #byFile: Record<string, unknown>;
  #changed = false;

  /** @throws MamError `io` when the file is there and can't be understood */
  constructor(home: string) {
    this.#home = home;
    this.#path = join(home, 'installed.json');
    this.#byFile = read(this.#path);
  }

  of(file: string): unknown {
    return Object.hasOwn(this.#byFile, file) ? this.#byFile[file] : undefined;
  }

  /** @param receipt undefined when nothing of ours is in that file any more */
  set(file: string, receipt: unknown): void {
    if (isDeepStrictEqual(this.of(file), receipt)) return;
    this.#changed = true;
    if (receipt === undefined) delete this.#byFile[file];
    else this.#byFile[file] = receipt;
  }

  /** Writes them, if there is something new. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    makeFolder(this.#home);
    if (Object.keys(this.#byFile).length === 0) rmSync(this.#path, { force: true });
    else await writeDurably(this.#path, `${JSON.stringify(this.#byFile, null, 2)}\n`);
    this.#changed = false;
  }
}

function read(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return {};
    throw new MamError('io', `${path} can't be read (${systemCode(error) ?? 'unknown'}).`);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new MamError(
    'io',
    `${path}, in which mam install notes what it has written, can't be understood.`,
    'Remove it: then what was installed before counts as your own.',
  );
}
