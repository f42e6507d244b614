// A raw-mode terminal program that plays an agent: `node peer.mjs MODE LOG`. Appends one JSON line to LOG for each thing it reads.
import { appendFileSync } from 'node:fs';

const [mode, log] = process.argv.slice(2);
const note = (entry) =>
  appendFileSync(log, `${JSON.stringify({ ...entry, at: String(process.hrtime.bigint()) })}\n`);
const out = (text) => process.stdout.write(text);

let typed = '';
let enters = 0;
let pasting = false;
let dialog = false;

process.stdin.setRawMode(true);
out('\x1b[?2004h');
if (mode === 'draft') out('READY> half a sentence');
else if (mode === 'placeholder-text') out('READY> \x1b[2mtry "fix the tests"\x1b[0m\x1b[8D');
else if (mode === 'busy') out('Working (2s, esc to interrupt)\r\nREADY> ');
else out('READY> ');
if (mode === 'flood') setInterval(() => out(`\r\nflood ${Math.random()}`), 2);
if (mode === 'clock' || mode === 'clock-swallow') {
  out('\x1b7\x1b[20;1Hclock 0\x1b8');
  let tick = 0;
  setInterval(() => out(`\x1b7\x1b[20;1Hclock ${++tick}\x1b8`), 25);
}

process.stdin.on('data', (data) => {
  let text = data.toString('utf8');
  if (text.includes('\x1b[200~')) pasting = true;
  const ended = text.includes('\x1b[201~');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the brackets of a paste are control sequences
  text = text.replace(/\x1b\[20[01]~/g, '');
  if (pasting) {
    typed += text;
    if (ended) {
      pasting = false;
      note({ paste: typed });
      show();
    }
    return;
  }
  for (const key of text) {
    if (key === '\r') enter();
    else note({ key });
  }
});

function show() {
  if (mode === 'die') process.exit(3);
  if (mode === 'silent') return;
  if (mode === 'slow') setTimeout(() => out(typed.replaceAll('\n', '\r\n')), 500);
  else if (mode === 'collapse' || mode === 'break-collapsed')
    out(`[Pasted text #1 +${typed.split('\n').length - 1} lines]`);
  else if (mode === 'other') out('something came in');
  else if (mode === 'dialog') {
    dialog = true;
    out('\x1b[2J\x1b[HDo you want to proceed?\r\n1. Yes\r\n2. No');
  } else if (mode === 'box') {
    for (const line of typed.match(/.{1,30}/gsu) ?? []) out(`\r\n  | ${line.replaceAll('\n', ' ')} |`);
  } else if (mode === 'erase') {
    out(typed.replaceAll('\n', '\r\n'));
    setTimeout(() => out('\x1b[2J\x1b[HREADY> words of a person'), 50);
  } else out(typed.replaceAll('\n', '\r\n'));
}

function enter() {
  enters++;
  note({ enter: enters, dialog });
  if ((mode === 'swallow' || mode === 'clock-swallow') && enters === 1) return;
  if (mode === 'deaf') return;
  if (mode.startsWith('break') && enters <= (mode === 'breaks' ? 2 : 1)) {
    out('\r\n');
    return;
  }
  out(`\r\nTOOK ${typed.length}\r\nREADY> `);
  typed = '';
}
