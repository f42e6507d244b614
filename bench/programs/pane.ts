// A raw-mode terminal program that accepts input immediately: `node pane.mjs SOCKET NAME`. Shows what is pasted, and
// reports each Enter with the time when it was read.
import { createConnection } from 'node:net';

const [socketPath = '', pane = ''] = process.argv.slice(2);
const socket = createConnection(socketPath);
const tell = (what: string, at: bigint): void => {
  socket.write(`${JSON.stringify({ pane, what, at: Number(at) / 1e6 })}\n`);
};

process.stdin.setRawMode(true);
process.stdin.setEncoding('utf8').on('data', (text: string) => {
  const at = process.hrtime.bigint();
  const entered = text.includes('\r');
  if (entered) tell('enter', at);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the brackets of a paste are control sequences
  const shown = text.replace(/\x1b\[20[01]~|\r/g, '').replaceAll('\n', '\r\n');
  // Enter clears the screen, as an agent empties its box.
  process.stdout.write(entered ? '\x1b[2J\x1b[H> ' : shown);
});
process.stdout.write('\x1b[?2004h> ');
tell('ready', process.hrtime.bigint());
