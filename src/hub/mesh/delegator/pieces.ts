import { newEventId } from '../../../base/ids.ts';
import { PAGE_BYTES } from '../wire/messages.ts';
import type { Asks } from './asks.ts';

/** How much of a payload a piece may take as JSON, in bytes: line breaks and quotes double in it. */
const JSON_BYTES = 60 * 1024;

/**
 * How a prompt goes to another host: with its ask, or in pieces before that.
 * @param asked the rest of the ask
 * @throws MamError as `Asks.ask`, when a piece could not be handed over
 */
export async function inPieces(
  asks: Asks,
  host: string,
  asked: object,
  prompt: string,
): Promise<{ prompt: string } | { upload: string }> {
  if (Buffer.byteLength(JSON.stringify({ ...asked, prompt })) <= PAGE_BYTES) return { prompt };
  const upload = newEventId();
  await putText(asks, host, upload, prompt);
  return { upload };
}

/**
 * Hands a text over to another host in pieces.
 * @param upload names it there; the same text may be handed over again under the same name
 * @throws MamError as `Asks.ask`
 */
export async function putText(
  asks: Pick<Asks, 'ask'>,
  host: string,
  upload: string,
  whole: string,
): Promise<void> {
  let offset = 0;
  const pieces = piecesOf(whole);
  for (const [at, text] of pieces.entries()) {
    await asks.ask(host, 'put', { upload, offset, text, last: at === pieces.length - 1 });
    offset += text.length;
  }
}

/** A text in parts that each fit into a message; none begins or ends within a character. */
export function piecesOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length; ) {
    let size = PAGE_BYTES;
    let piece = wholeCharacters(bytes, from, size);
    while (Buffer.byteLength(JSON.stringify(piece)) > JSON_BYTES) {
      size = Math.floor(size / 2);
      piece = wholeCharacters(bytes, from, size);
    }
    pieces.push(piece);
    from += Buffer.byteLength(piece);
  }
  return pieces;
}

/** The characters of a text that are whole within `size` bytes from `from` on. */
function wholeCharacters(bytes: Buffer, from: number, size: number): string {
  let end = Math.min(from + size, bytes.length);
  // A byte of the form 10xxxxxx continues a character.
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', from, end);
}
