#!/usr/bin/env node
// The floor of `mam web`: `node page-server.mjs SOCKET PORT`. A page that draws each message with the next frame, and a
// stream of server-sent events with one message for each line of journal.mjs; and a list of plain rows, to scroll.
import { createServer } from 'node:http';
import { createConnection } from 'node:net';

const [socketPath, port] = process.argv.slice(2);
const ROWS = 1_000;
const PAGE = `<!doctype html><title>floor</title><body><div class="words"></div><script>
let count = 0;
new EventSource('/events').onmessage = () => requestAnimationFrame(() => {
  document.querySelector('.words').textContent = 'event ' + ++count;
});
</script>`;
const LIST = `<!doctype html><title>floor</title><body style="margin:0"><div class="left" style="height:100vh;overflow:auto">${'<div style="height:56px;border-bottom:1px solid">A row</div>'.repeat(ROWS)}</div>`;

const streams = new Set();
createConnection(socketPath).on('data', () => {
  for (const stream of streams) stream.write('data: x\n\n');
});
createServer((request, response) => {
  if (request.url === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    streams.add(response);
    response.on('close', () => streams.delete(response));
  } else response.writeHead(200, { 'Content-Type': 'text/html' }).end(request.url === '/list' ? LIST : PAGE);
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
