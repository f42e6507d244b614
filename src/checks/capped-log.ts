import { closeSync, constants, lstatSync, writeSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';
import { openOwn } from '../trust/files.ts';

/** The approximate size limit of the file in bytes, for all runs together. */
const FILE_BYTES = 4 * 1024 * 1024;
/** What each run may always write, however long the file is, in bytes. */
const RUN_BYTES = 64 * 1024;
/** The initial buffer, in bytes: most runs print less. */
const FIRST_BYTES = 4 * 1024;

/**
 * A log for a script that may print without end: it keeps the beginning and the end of each run. It is written after
 * the run, because a script that searches its folder must not find its own output there.
 */
export class CappedLog {
  readonly #path: string;
  /** How much of the beginning is kept, and of the end, in bytes. */
  readonly #half: number;
  #head = Buffer.alloc(FIRST_BYTES);
  #headBytes = 0;
  /** The newest output after the beginning: a ring buffer. */
  #ring: Buffer | undefined;
  #ringBytes = 0;

  constructor(path: string) {
    this.#path = path;
    const before = orElse(() => lstatSync(path).size, 0);
    this.#half = Math.max(RUN_BYTES, FILE_BYTES - before) / 2;
  }

  write(chunk: Buffer): void {
    const first = chunk.subarray(0, this.#half - this.#headBytes);
    this.#begin(first);
    if (first.length < chunk.length) this.#hold(chunk.subarray(first.length));
  }

  /** Appends the run to the file. A log that can't be written is dropped: the verdict counts without it. */
  end(): void {
    let fd: number | undefined;
    try {
      fd = openOwn(this.#path, constants.O_APPEND);
      for (const bytes of [this.#head.subarray(0, this.#headBytes), ...this.#tail()]) {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      }
    } catch {
      // A full disk, or a file that is not ours.
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  #begin(bytes: Buffer): void {
    const needed = this.#headBytes + bytes.length;
    if (needed > this.#head.length) {
      const longer = Buffer.alloc(Math.min(this.#half, Math.max(needed, 2 * this.#head.length)));
      this.#head.copy(longer, 0, 0, this.#headBytes);
      this.#head = longer;
    }
    bytes.copy(this.#head, this.#headBytes);
    this.#headBytes = needed;
  }

  #hold(chunk: Buffer): void {
    this.#ring ??= Buffer.alloc(this.#half);
    for (let rest = chunk; rest.length > 0; ) {
      const at = this.#ringBytes % this.#half;
      const copied = rest.copy(this.#ring, at);
      this.#ringBytes += copied;
      rest = rest.subarray(copied);
    }
  }

  /** The end of the output, with a note of how much was left out before it. */
  #tail(): Buffer[] {
    const [ring, bytes, half] = [this.#ring, this.#ringBytes, this.#half];
    if (ring === undefined) return [];
    if (bytes <= half) return [ring.subarray(0, bytes)];
    const start = bytes % half;
    const left = Buffer.from(`\n[… ${bytes - half} bytes left out …]\n`);
    return [left, ring.subarray(start), ring.subarray(0, start)];
  }
}
