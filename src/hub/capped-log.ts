import { closeSync, constants, fstatSync, writeSync } from 'node:fs';
import { openOwn } from '../trust/files.ts';

/** Most bytes that the file has, about: of all its runs together. */
const FILE_BYTES = 4 * 1024 * 1024;
/** What each run may write whatever the file has already, in bytes. */
const RUN_BYTES = 64 * 1024;

/** A log to which a script may print without end: the beginning and the end of each run are kept. */
export class CappedLog {
  /** Nothing where it can't be written: a check says what it says without its log. */
  private fd: number | undefined;
  /** How much of the beginning is kept, and of the end, in bytes. */
  private readonly half: number;
  private written = 0;
  /** The newest output that is not in the file yet, overwritten from its start when it is full. */
  private ring: Buffer | undefined;
  private ringBytes = 0;

  constructor(path: string) {
    let size = 0;
    this.attempt(() => {
      this.fd = openOwn(path, constants.O_APPEND);
      ({ size } = fstatSync(this.fd));
    });
    this.half = Math.max(RUN_BYTES, FILE_BYTES - size) / 2;
  }

  write(chunk: Buffer): void {
    const first = chunk.subarray(0, this.half - this.written);
    this.put(first);
    this.written += first.length;
    if (first.length < chunk.length) this.hold(chunk.subarray(first.length));
  }

  /** Writes what was held back, with how much was left out. */
  end(): void {
    const { ring, ringBytes: bytes, half } = this;
    const start = bytes % half;
    if (ring !== undefined && bytes > half) {
      this.put(Buffer.from(`\n[… ${bytes - half} bytes left out …]\n`));
      this.put(ring.subarray(start));
    }
    if (ring !== undefined) this.put(ring.subarray(0, bytes === half ? half : start));
    this.attempt(() => this.fd !== undefined && closeSync(this.fd));
    this.fd = undefined;
  }

  private hold(chunk: Buffer): void {
    this.ring ??= Buffer.alloc(this.half);
    for (let rest = chunk; rest.length > 0; ) {
      const at = this.ringBytes % this.half;
      const copied = rest.copy(this.ring, at);
      this.ringBytes += copied;
      rest = rest.subarray(copied);
    }
  }

  private put(bytes: Buffer): void {
    this.attempt(() => {
      for (let at = 0; this.fd !== undefined && at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    });
  }

  private attempt(step: () => unknown): void {
    try {
      step();
    } catch {
      // A full disk, or a file that is not ours.
      if (this.fd !== undefined) closeSync(this.fd);
      this.fd = undefined;
    }
  }
}
