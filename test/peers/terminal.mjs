import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const PASTE = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** @returns what appends one JSON line to a file for everything that a fake peer reads or does */
export function noteIn(log) {
  const at = () => performance.timeOrigin + performance.now();
  return (entry) => appendFileSync(log, `${JSON.stringify({ at: at(), ...entry })}\n`);
}

/**
 * Reads a raw-mode terminal with bracketed paste.
 * @param raw gets everything unchanged, one character per byte
 * @param paste gets each pasted text
 * @param key gets each key outside a paste, a byte at a time
 */
export function readTerminal({ raw, paste, key }) {
  let unread = '';
  process.stdin.setRawMode(true);
  process.stdout.write('\x1b[?2004h');
  process.stdin.setEncoding('latin1').on('data', (chunk) => {
    raw(chunk);
    unread += chunk;
    // An incomplete bracket waits for the rest; Escape alone is a key.
    while (unread !== '' && (unread === '\x1b' || !PASTE.startsWith(unread))) {
      if (!unread.startsWith(PASTE)) {
        key(unread[0]);
        unread = unread.slice(1);
        continue;
      }
      const end = unread.indexOf(PASTE_END);
      if (end < 0) return;
      const text = unread.slice(PASTE.length, end);
      unread = unread.slice(end + PASTE_END.length);
      paste(Buffer.from(text, 'latin1').toString());
    }
  });
}

/** The job id in an order. */
export function jobIn(order) {
  return /Use only this id, not one from an earlier job: (\S+)/.exec(order)?.[1];
}

/** Runs the built program. @returns how it ended and what it printed */
export function runMam(program, words, input = '') {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...words], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
    child.stdin.end(input);
  });
}
