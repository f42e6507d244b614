import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { MamError, systemCode } from '../../base/errors.ts';

/** Reads a UTF-8 file; `-` is standard input. @param hint for a file that is not text @throws MamError `bad_input` */
export async function readText(file: string, option: string, hint: string): Promise<string> {
  let bytes: Buffer;
  try {
    // Not by file descriptor: any access to process.stdin has made it non-blocking. Not synchronous: while a pipe has no
    // writer, Ctrl-C would not work.
    bytes = file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    const why = systemCode(error) ?? 'unknown reason';
    const what = why === 'EISDIR' ? `${file} is a folder.` : `${file} cannot be read (${why}).`;
    throw new MamError('bad_input', what, `Give ${option} a readable file.`, {
      cause: error,
    });
  }
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes.toString();
  throw new MamError('bad_input', `${file} is not UTF-8 text.`, hint);
}
