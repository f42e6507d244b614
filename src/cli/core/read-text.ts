import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { MamError, systemCode } from '../../base/errors.ts';

/**
 * Reads a text file byte for byte; `-` is standard input.
 * @param option the option that named it
 * @param hint what to do about a file that is not text
 * @throws MamError `bad_input` if it can't be read or is not UTF-8 text
 */
export async function readText(file: string, option: string, hint: string): Promise<string> {
  let bytes: Buffer;
  try {
    // Not by file descriptor: any access to process.stdin has made it non-blocking.
    bytes = file === '-' ? await buffer(process.stdin) : readFileSync(file);
  } catch (error) {
    const why = systemCode(error) ?? 'unknown reason';
    throw new MamError('bad_input', `${file} cannot be read (${why}).`, `Give ${option} a readable file.`, {
      cause: error,
    });
  }
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes.toString();
  throw new MamError('bad_input', `${file} is not UTF-8 text.`, hint);
}
