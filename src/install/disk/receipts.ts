import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MamError, systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../base/folders.ts';
import { isObject, parseJson } from '../../base/json.ts';
import { writeDurably } from '../../registry/files.ts';

export interface Note {
  /** Which part of its text is ours, from its edit. */
  receipt: unknown;
  /** The backups, the oldest first. */
  backups: string[];
  /** The folders that were made for it, the outer ones first. */
  folders: string[];
}

/** What `mam install` has written into which file, so that `--uninstall` removes that and nothing else. */
export class Receipts {
  readonly #path: string;
  readonly #byFile: Record<string, Note>;
  #changed = false;

  /** @throws MamError `io` when the file exists and can't be read */
  constructor(home: string) {
    this.#path = join(home, 'installed.json');
    this.#byFile = read(this.#path);
  }

  of(file: string): Note | undefined {
    return Object.hasOwn(this.#byFile, file) ? this.#byFile[file] : undefined;
  }

  /** @param note undefined when nothing of ours is in that file any more */
  set(file: string, note: Note | undefined): void {
    if (isDeepStrictEqual(this.of(file), note)) return;
    this.#changed = true;
    if (note === undefined) delete this.#byFile[file];
    else this.#byFile[file] = note;
  }

  /** Writes them if something has changed. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    makeFolder(dirname(this.#path));
    if (Object.keys(this.#byFile).length === 0) rmSync(this.#path, { force: true });
    else await writeDurably(this.#path, `${JSON.stringify(this.#byFile, null, 2)}\n`);
    this.#changed = false;
  }
}

function read(path: string): Record<string, Note> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return {};
    throw new MamError('io', `${path} can't be read (${systemCode(error) ?? 'unknown'}).`);
  }
  const value = parseJson(text);
  if (isObject(value) && Object.values(value).every(isNote)) return value as Record<string, Note>;
  throw new MamError(
    'io',
    `${path}, in which mam install records what it has written, is damaged.`,
    'Remove it: then what was installed before counts as your own.',
  );
}

function isNote(value: unknown): boolean {
  return isObject(value) && [value['backups'], value['folders']].every(Array.isArray);
}
