// A raw-mode terminal program that plays an agent in a pane. Options, each with a default that behaves well:
//   --log FILE          one JSON line for everything that it reads or does
//   --mam FILE          the built program, for reports
//   --report LIST       what it reports after Enter: EVENT or EVENT:DETAIL, comma-separated; empty for never
//   --by cli|mcp        reports with `mam publish` or with an MCP server of its own
//   --job ID            reports with this id instead of the one in its order
//   --swallow N         does not react to the first N Enters
//   --break N           takes the first N Enters for line breaks
//   --order TEXT        takes this as its first prompt, if it names a job, as an agent does that gets one at its start
//   --echo MS           shows what was pasted only after so long
//   --withhold          shows what was pasted only on SIGUSR2, or with the next key where its box can be edited
//   --show HOW          how it shows what was pasted; SHOWS has the ways
//   --box TEXT          what is in its box at first, until ctrl-u is pressed
//   --placeholder       shows a dim example in its empty box
//   --halfway           after Enter it draws in two steps: for a moment its cursor is behind an example
//   --late              shows a row of its own after the first Enter, wherever it comes from
//   --clock             changes a corner of the screen all the time
//   --dialog            shows a dialog first, until y is pressed
//   --busy TEXT         shows this first, as an agent in the middle of a turn, until y is pressed
//   --turn              after Enter a turn goes on, also beyond its reports, until e is pressed and the answer is shown
//   --run COMMAND       runs this after Enter in a shell that takes the terminal, as an agent's tool may
//   --hook COMMAND      runs this after Enter as an agent runs its hooks: without the terminal
//   --mcp SOCKET        runs an MCP server of its own for whoever connects there, as an agent runs one for its model
//   --die-on-paste      ends when a paste has ended, before any Enter
//   --hang FILE         SIGUSR2 makes it hang until this is there: it reads and shows nothing
//   --edit              its box can be edited: keys are written at its cursor, C-a goes to the beginning, C-u empties it
//   --park              its cursor is in a corner, away from its box
//   --flood             fills the screen all the time
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { mcpReporter } from './reporter.mjs';
import { jobIn, noteIn, readTerminal, runMam } from './terminal.mjs';

const { values: options } = parseArgs({
  options: {
    log: { type: 'string' },
    mam: { type: 'string' },
    report: { type: 'string', default: 'started,completed:done' },
    by: { type: 'string', default: 'cli' },
    job: { type: 'string' },
    swallow: { type: 'string', default: '0' },
    break: { type: 'string', default: '0' },
    order: { type: 'string', default: '' },
    echo: { type: 'string', default: '0' },
    withhold: { type: 'boolean', default: false },
    show: { type: 'string', default: 'text' },
    box: { type: 'string', default: '' },
    placeholder: { type: 'boolean', default: false },
    halfway: { type: 'boolean', default: false },
    late: { type: 'boolean', default: false },
    clock: { type: 'boolean', default: false },
    dialog: { type: 'boolean', default: false },
    busy: { type: 'string' },
    turn: { type: 'boolean', default: false },
    run: { type: 'string' },
    hook: { type: 'string' },
    mcp: { type: 'string' },
    'die-on-paste': { type: 'boolean', default: false },
    hang: { type: 'string' },
    edit: { type: 'boolean', default: false },
    park: { type: 'boolean', default: false },
    flood: { type: 'boolean', default: false },
  },
});

const DIALOG = 'Do you want to proceed?\r\n1. Yes\r\n2. No';
const CLEAR = '\x1b[2J\x1b[H';
const asRows = (text) => text.replaceAll('\n', '\r\n');
const collapsed = (text) => `[Pasted text #1 +${text.split('\n').length - 1} lines]`;
/** The ways to show what was pasted. */
const SHOWS = {
  text: (text) => out(asRows(text)),
  nothing: () => {},
  collapsed: (text) => out(collapsed(text)),
  other: () => out('something came in'),
  dialog: () => out(`${CLEAR}${DIALOG}`),
  /** In a frame that is narrower than the pane. */
  framed(text) {
    for (const row of text.match(/.{1,30}/gsu) ?? []) out(`\r\n  | ${row.replaceAll('\n', ' ')} |`);
  },
  /** A person has typed other words. */
  erased(text) {
    out(asRows(text));
    setTimeout(() => out(`${CLEAR}READY> words of a person`), 50);
  },
};
const out = (text) => process.stdout.write(options.park ? `\x1b8${text}\x1b7\x1b[30;1H` : text);
const note = noteIn(options.log);
const publish = options.by === 'mcp' ? mcpReporter(options.mam) : cli;

let held = options.dialog || options.busy !== undefined;
let box = '';
/** How much of it is after the cursor. */
let behind = 0;
let enters = 0;
const pastes = [];
const withheld = [];

readTerminal({ raw: (read) => note({ read, held }), paste: pasted, key: pressed });
if (options.dialog) out(`${DIALOG}\r\n`);
else out(`${options.busy === undefined ? '' : `${options.busy}\r\n`}READY> ${options.box}`);
if (options.placeholder) out('\x1b[2mtry "fix the tests"\x1b[0m\x1b[8D');
if (options.flood) setInterval(() => out(`\r\nflood ${Math.random()}`), 5);
if (options.clock) setInterval(() => out(`\x1b7\x1b[20;1Hclock ${Date.now()}\x1b8`), 25);
if (options.withhold) process.on('SIGUSR2', show);
if (options.hang !== undefined) {
  process.on('SIGUSR2', () => {
    note({ hangs: true });
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync(options.hang)) Atomics.wait(nothing, 0, 0, 5);
  });
}
if (options.mcp !== undefined) createServer(serve).listen(options.mcp, ready);
else ready();

function ready() {
  note({ ready: process.pid });
  if (jobIn(options.order) === undefined) return;
  box = options.order;
  enter();
}

/** Its stdin and stdout are the connection. */
function serve(socket) {
  const server = spawn(process.execPath, [options.mam], { stdio: ['pipe', 'pipe', 'ignore'] });
  note({ child: server.pid });
  socket.pipe(server.stdin).on('error', () => {});
  server.stdout.pipe(socket).on('error', () => {});
}

function pressed(key) {
  if (held && key === 'y') {
    held = false;
    out(`${CLEAR}READY> `);
  } else if (options.turn && key === 'e') out(`${CLEAR}THE ANSWER\r\nREADY> `);
  else if (key === '\r') enter();
  else if (options.edit) edit(key);
  else if (key === '\x15') out(`${CLEAR}READY> `);
  else if (key >= ' ') out(key);
}

/** A part of the box as it is shown. */
function drawn(text) {
  if (options.show !== 'collapsed') return asRows(text);
  return pastes.reduce((shown, paste) => shown.replace(paste, collapsed(paste)), text);
}

/** Shows what was withheld. */
function show() {
  if (options.edit) edit('');
  else for (const text of withheld.splice(0)) SHOWS[options.show](text);
}

function edit(key) {
  withheld.length = 0;
  const at = box.length - behind;
  const rest = box.slice(at);
  if (key === '\x15') box = '';
  else if (key === '\x7f') box = box.slice(0, at).slice(0, -1) + rest;
  else if (key >= ' ') box = box.slice(0, at) + key + rest;
  if (key === '\x01') behind = box.length;
  if (key === '\x15') behind = 0;
  const end = box.length - behind;
  out(`${CLEAR}READY> ${drawn(box.slice(0, end))}\x1b7${drawn(box.slice(end))}\x1b8`);
}

function pasted(text) {
  if (options['die-on-paste']) process.exit(3);
  box += text;
  pastes.push(text);
  if (options.withhold) withheld.push(text);
  else setTimeout(() => SHOWS[options.show](text), Number(options.echo));
}

function enter() {
  enters++;
  if (options.late && enters === 1) out('\x1b7\x1b[30;1Hupdate available\x1b8');
  if (enters <= Number(options.swallow)) return;
  if (enters <= Number(options.break)) {
    out('\r\n');
    return;
  }
  if (box === '') return;
  const id = options.job ?? jobIn(box);
  const text = box;
  box = '';
  behind = 0;
  if (options.halfway) {
    out(`${CLEAR}READY> try "fix the tests"`);
    setTimeout(() => out(`${CLEAR}${asRows(text)}\r\nREADY> `), 60);
  } else if (options.turn) out(`${CLEAR}TOOK IT\r\nesc to interrupt`);
  else out(options.edit ? `${CLEAR}TOOK IT\r\nREADY> ` : '\r\nTOOK IT\r\nREADY> ');
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
  for (const entry of events) {
    const [event, detail] = entry.split(':');
    note({ reported: event, ...(await publish(id, event, detail)) });
  }
}

function cli(id, event, detail) {
  const words = ['--job', id, '--event', event, '--json', ...(detail ? ['--detail', detail] : [])];
  return runMam(options.mam, ['publish', ...words]);
}
