// A raw-mode terminal program that plays an agent: `node agent.mjs MODE LOG BRIDGE`. Appends what it reads to LOG, one
// JSON line each. On the socket BRIDGE it runs `mam` as its own child: the first line says how, then come its streams.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [mode, log, bridge] = process.argv.slice(2);
const note = (entry) => appendFileSync(log, `${JSON.stringify(entry)}\n`);
let typed = '';

process.stdin.setRawMode(true);
process.stdout.write('\x1b[?2004hREADY> ');
process.stdin.on('data', (data) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the brackets of a paste are control sequences
  const text = data.toString('utf8').replace(/\x1b\[20[01]~/g, '');
  for (const key of text) {
    if (key === '\r') {
      note({ enter: typed });
      typed = '';
      process.stdout.write('\r\nTOOK\r\nREADY> ');
    } else typed += key;
  }
  if (mode !== 'silent') process.stdout.write(typed === '' ? '' : text.replaceAll('\n', '\r\n'));
});

createServer((socket) => {
  let head = '';
  const begin = (chunk) => {
    head += chunk.toString();
    const end = head.indexOf('\n');
    if (end === -1) return;
    socket.off('data', begin);
    const { program, args, cwd } = JSON.parse(head.slice(0, end));
    const child = spawn(process.execPath, [program, ...args], { cwd });
    child.stdin.on('error', () => {});
    socket.on('error', () => {});
    child.stdin.write(head.slice(end + 1));
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
    child.on('close', () => socket.end());
  };
  socket.on('data', begin);
}).listen(bridge);
