// Plays an agent whose screen is that of Claude Code, with one conversation at a time. Options:
//   --log FILE      one JSON line for everything that it reads or does
//   --mam FILE      the built program, for reports
//   --report LIST   what it reports after an order, comma-separated; empty for never
//   --menu NAME     the command that its menu offers first for `/clear`
//   --clear HOW     what `/clear` does: works, refuses, or waits with a spinner until SIGUSR1
//   --draft TEXT    what is in its box at first; C-u removes it
// SIGUSR2 begins a new conversation, as a person does by hand.
import { parseArgs } from 'node:util';
import { jobIn, noteIn, readTerminal, runMam } from './terminal.mjs';

const { values: options } = parseArgs({
  options: {
    log: { type: 'string' },
    mam: { type: 'string' },
    report: { type: 'string', default: 'started,completed' },
    menu: { type: 'string', default: '/clear' },
    clear: { type: 'string', default: 'works' },
    draft: { type: 'string', default: '' },
  },
});
const WIDTH = 110;
const RULE = '─'.repeat(WIDTH);
const note = noteIn(options.log);
let box = options.draft;
let transcript = [];
let isBusy = false;

readTerminal({ raw: (read) => note({ read }), paste: pasted, key: pressed });
process.on('SIGUSR1', begin);
process.on('SIGUSR2', begin);
draw();
note({ ready: process.pid });

function pasted(text) {
  box += text;
  draw();
}

function pressed(key) {
  if (key === '\r') enter();
  else if (key === '\x15') box = box.slice(0, box.lastIndexOf('\n') + 1);
  else if (key === '\x7f') box = box.slice(0, -1);
  else if (key >= ' ') box += key;
  draw();
}

function enter() {
  const text = box;
  box = '';
  if (text === '') return;
  if (text !== '/clear') {
    transcript.push(...rows(text, '❯ '), '', '● As you wish.', '');
    void report(jobIn(text));
  } else if (options.clear === 'works') begin();
  else {
    isBusy = options.clear === 'waits';
    transcript.push('❯ /clear', ...(isBusy ? [] : ['  ⎿  Not now.']));
  }
}

function begin() {
  transcript = ['❯ /clear', ''];
  isBusy = false;
  draw();
}

function rows(text, sign) {
  const all = text.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${WIDTH - 4}}`, 'gu')) ?? ['']);
  return all.map((row, at) => `${at === 0 ? sign : '  '}${row}`);
}

function draw() {
  const shown = rows(box, '❯ ');
  const above = [
    ' ▐▛███▛█   Claude Code v2.1.332',
    '',
    ...transcript,
    ...(isBusy ? ['✽ Whirring… (running SessionEnd hook · 0s)', ''] : []),
    ...(box.startsWith('/')
      ? [`  ❯ ${options.menu}${' '.repeat(20)}Start a new session with empty context`]
      : []),
    RULE,
  ];
  const below = [RULE, `  ⏵⏵ auto mode on (shift+tab to cycle)${isBusy ? ' · esc to interrupt' : ''}`];
  const all = [...above, ...shown, ...below].slice(-38);
  const row = all.length - below.length;
  const column = (shown.at(-1) ?? '').length + 1;
  process.stdout.write(`\x1b[2J\x1b[H${all.join('\r\n')}\x1b[${row};${column}H`);
}

async function report(id) {
  for (const event of options.report.split(',').filter(Boolean)) {
    const words = ['publish', '--job', id, '--event', event, '--json'];
    note({ reported: event, ...(await runMam(options.mam, words)) });
  }
}
