// A raw-mode terminal program that plays an agent in a pane. Options, each with a default that behaves well:
//   --log FILE          one JSON line for everything that it reads or does
//   --mam FILE          the built program, for reports
//   --report LIST       what it reports after Enter: EVENT or EVENT:DETAIL, comma-separated; empty for never
//   --by cli|mcp        reports with `mam publish` or with an MCP server of its own
//   --job ID            reports with this id instead of the one in its order
//   --swallow N         does not react to the first N Enters
//   --echo MS           shows what was pasted only after so long
//   --dialog            shows a dialog first, until y is pressed
//   --busy TEXT         shows this first, as an agent in the middle of a turn, until y is pressed
//   --run COMMAND       runs this after Enter in a shell that takes the terminal, as an agent's tool may
//   --hook COMMAND      runs this after Enter as an agent runs its hooks: without the terminal
//   --mcp SOCKET        runs an MCP server of its own for whoever connects there, as an agent runs one for its model
//   --die-on-paste      ends when a paste has ended, before any Enter
//   --flood             fills the screen all the time
import { execFile, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    log: { type: 'string' },
    mam: { type: 'string' },
    report: { type: 'string', default: 'started,completed:done' },
    by: { type: 'string', default: 'cli' },
    job: { type: 'string' },
    swallow: { type: 'string', default: '0' },
    echo: { type: 'string', default: '0' },
    dialog: { type: 'boolean', default: false },
    busy: { type: 'string' },
    run: { type: 'string' },
    hook: { type: 'string' },
    mcp: { type: 'string' },
    'die-on-paste': { type: 'boolean', default: false },
    flood: { type: 'boolean', default: false },
  },
});

const PASTE = '\x1b[200~';
const PASTE_END = '\x1b[201~';
const out = (text) => process.stdout.write(text);
const note = (entry) => appendFileSync(options.log, `${JSON.stringify({ at: Date.now(), ...entry })}\n`);

let held = options.dialog || options.busy !== undefined;
let unread = '';
let box = '';
let enters = 0;

process.stdin.setRawMode(true);
out('\x1b[?2004h');
if (options.dialog) out('Do you want to proceed?\r\n1. Yes\r\n2. No\r\n');
else out(options.busy === undefined ? 'READY> ' : `${options.busy}\r\nREADY> `);
if (options.flood) setInterval(() => out(`\r\nflood ${Math.random()}`), 5);
process.stdin.on('data', (chunk) => {
  note({ read: chunk.toString('latin1'), held });
  unread += chunk.toString('latin1');
  take();
});
if (options.mcp !== undefined) createServer(serve).listen(options.mcp, ready);
else ready();

function ready() {
  note({ ready: process.pid });
}

/** Its stdin and stdout are the connection. */
function serve(socket) {
  const server = spawn(process.execPath, [options.mam], { stdio: ['pipe', 'pipe', 'ignore'] });
  note({ child: server.pid });
  socket.pipe(server.stdin).on('error', () => {});
  server.stdout.pipe(socket).on('error', () => {});
}

function take() {
  for (;;) {
    if (unread.startsWith(PASTE)) {
      const end = unread.indexOf(PASTE_END);
      if (end < 0) return;
      const text = Buffer.from(unread.slice(PASTE.length, end), 'latin1').toString();
      unread = unread.slice(end + PASTE_END.length);
      pasted(text);
    } else if (unread === '' || PASTE.startsWith(unread)) {
      return;
    } else {
      const key = unread[0];
      unread = unread.slice(1);
      if (held && key === 'y') {
        held = false;
        out('\x1b[2J\x1b[HREADY> ');
      } else if (key === '\r') enter();
      else out(key);
    }
  }
}

function pasted(text) {
  if (options['die-on-paste']) process.exit(3);
  box += text;
  setTimeout(() => out(text.replaceAll('\n', '\r\n')), Number(options.echo));
}

function enter() {
  enters++;
  if (enters <= Number(options.swallow) || box === '') return;
  const order = box;
  box = '';
  out('\r\nTOOK IT\r\nREADY> ');
  const id = options.job ?? /Use only this id, none of an earlier run: (\S+)/.exec(order)?.[1];
  if (options.run !== undefined) {
    note({ child: spawn('bash', ['--norc', '-i', '-c', options.run], { stdio: 'inherit' }).pid });
  }
  if (options.hook !== undefined) {
    execFile('sh', ['-c', options.hook], (error, stdout) => note({ hook: stdout, code: error?.code ?? 0 }));
  }
  void report(id);
}

async function report(id) {
  const events = options.report.split(',').filter(Boolean);
  const publish = options.by === 'mcp' ? await mcp() : cli;
  for (const entry of events) {
    const [event, detail] = entry.split(':');
    note({ reported: event, ...(await publish(id, event, detail)) });
  }
}

function cli(id, event, detail) {
  const words = ['publish', '--job', id, '--event', event, '--json', ...(detail ? ['--detail', detail] : [])];
  return new Promise((resolve) => {
    execFile(process.execPath, [options.mam, ...words], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

/** An MCP server in the peer role, as an agent has one. */
async function mcp() {
  const server = spawn(process.execPath, [options.mam], {
    env: { ...process.env, MAM_ROLE: 'peer' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting = new Map();
  createInterface({ input: server.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message.result);
  });
  let last = 0;
  const send = (method, params) => {
    const id = ++last;
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  const clientInfo = { name: 'peer', version: '1' };
  await send('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  return async (job_id, event, detail) => {
    const result = await send('tools/call', {
      name: 'publish_event',
      arguments: { job_id, event, ...(detail && { detail }) },
    });
    return { stdout: result.content[0].text, code: result.isError ? 1 : 0 };
  };
}
