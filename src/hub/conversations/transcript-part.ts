import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Sums, type TranscriptFormat } from '../../agents/usage/usage-reader.ts';
import { isObject, parseJson } from '../../base/json.ts';
import { realPlace } from '../../base/real-place.ts';
import type { Usage } from '../../job/usage-schema.ts';

/** How much is read at a time, in bytes: some ms of work between two turns of the event loop. */
const PIECE_BYTES = 256 * 1024;
/** A longer line is skipped: an agent's answer is much shorter. */
const LINE_BYTES = 8 * 1024 * 1024;
/** As JSON: two paths fit into one line of a journal, so that the conversation is kept in place. */
const PATH_BYTES = 1_500;
const NEWLINE = 0x0a;

/** The real path of an agent's file, as it names it; undefined for what can't be one, or is too long to be recorded. */
export function agentsFile(path: string | undefined): string | undefined {
  if (path === undefined || !canBeKept(path)) return undefined;
  const real = realPlace(path);
  return canBeKept(real) ? real : undefined;
}

function canBeKept(path: string): boolean {
  const isPath = path.length <= PATH_BYTES && isAbsolute(path) && !/\p{Cc}/u.test(path);
  return isPath && Buffer.byteLength(JSON.stringify(path)) <= PATH_BYTES;
}

/** The size of an agent's file in bytes; 0 if it does not exist yet. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** One job's part of a file that its agent writes line by line: read on as it grows, never twice. */
export class TranscriptPart {
  readonly #path: string;
  readonly #format: TranscriptFormat;
  readonly #marks: readonly Buffer[];
  readonly #sums: Sums;
  #at: number;
  /** The beginning of a line whose end is still to be read. */
  #begun: Buffer[] = [];
  #begunBytes = 0;

  /** @param from where the part begins, in bytes @param model that the agent was using there */
  constructor(path: string, format: TranscriptFormat, from: number, model?: string) {
    this.#path = path;
    this.#format = format;
    this.#marks = format.marks.map((word) => Buffer.from(word));
    this.#sums = new Sums(model);
    this.#at = from;
  }

  /** What the lines that were read so far say; undefined if they say nothing. */
  get usage(): Usage | undefined {
    return this.#sums.usage(this.#format.source);
  }

  /**
   * Reads what was added. Of a file that is not the user's own plain file, nothing is read.
   * @param end where the part ends, in bytes: that of the file if absent
   */
  async readOn(end = Number.POSITIVE_INFINITY): Promise<void> {
    let file: FileHandle;
    try {
      // A pipe must not make the hub wait, and a link may lead anywhere.
      file = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch {
      return;
    }
    try {
      const found = await file.stat();
      if (!found.isFile() || found.uid !== process.getuid?.()) return;
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      const last = Math.min(end, found.size);
      while (this.#at < last) {
        const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, last - this.#at), this.#at);
        if (bytesRead === 0) return;
        this.#at += bytesRead;
        this.#take(piece.subarray(0, bytesRead));
        await nextTurn();
      }
    } catch {
      // It was removed, or its disk fails: the next look reads on.
    } finally {
      await file.close().catch(() => {});
    }
  }

  #take(piece: Buffer): void {
    let begin = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, begin)) {
      const rest = piece.subarray(begin, end);
      if (this.#begunBytes === 0) this.#line(rest);
      else if (this.#begunBytes + rest.length <= LINE_BYTES)
        this.#line(Buffer.concat([...this.#begun, rest]));
      this.#begun = [];
      this.#begunBytes = 0;
      begin = end + 1;
    }
    const rest = piece.subarray(begin);
    if (rest.length === 0) return;
    this.#begunBytes += rest.length;
    // What is skipped is not kept either.
    if (this.#begunBytes > LINE_BYTES) this.#begun = [];
    else this.#begun.push(Buffer.from(rest));
  }

  #line(line: Buffer): void {
    if (!this.#marks.some((word) => line.includes(word))) return;
    const value = parseJson(line.toString());
    if (isObject(value)) this.#format.take(value, this.#sums);
  }
}
