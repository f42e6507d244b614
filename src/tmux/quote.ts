/** Bytes that mean themselves between tmux's double quotes; every other byte becomes `\ooo`. */
const PLAIN = /[A-Za-z0-9 _.,:;=@%+\-/()<>|&*?![\]{}^#']/;

const ESCAPED: string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return byte < 128 && PLAIN.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
});

/**
 * A tmux command argument that means exactly these bytes.
 * @param text a string (sent as UTF-8) or raw bytes 1 to 255; tmux has no way to carry a NUL
 * @returns the argument with its quotes, on one line
 */
export function quote(text: string | Uint8Array): string {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  let quoted = '"';
  for (const byte of bytes) quoted += ESCAPED[byte];
  return `${quoted}"`;
}

/** Literal text inside a tmux format's comparison, where `#`, `,` and `}` have a meaning. */
export function formatLiteral(text: string): string {
  return text.replace(/[#,}]/g, '#$&');
}
