#!/usr/bin/env node
// The floor of a hub: `node journal.mjs SOCKET FILE`. Accepts lines on a unix socket, appends what arrived together,
// flushes it to the disk, and only then answers each line with one line to all listening connections.
import { appendFileSync, fdatasyncSync, openSync } from 'node:fs';
import { createServer } from 'node:net';

const [socketPath, file] = process.argv.slice(2);
const fd = openSync(file, 'a');
const sockets = new Set();

createServer((socket) => {
  let rest = '';
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    if (lines.length === 0) return;
    appendFileSync(fd, `${lines.join('\n')}\n`);
    fdatasyncSync(fd);
    socket.write('ok\n'.repeat(lines.length));
    for (const other of sockets) if (other !== socket) other.write('heard\n');
  });
}).listen(socketPath, () => console.log('ready'));
