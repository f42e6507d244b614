// A fake agent in a pane, in raw mode: `node peer.mjs --log FILE --mam FILE --seed N [--by cli|mcp] [--edit]`. It writes a line of
// JSON for every text that is sent off with Enter and for every report with its answer. What it does with a job follows
// from the seed and the job's id.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mcpReporter } from '../peers/reporter.mjs';
import { jobIn, noteIn, readTerminal, runMam } from '../peers/terminal.mjs';

const { values: options } = parseArgs({
  options: {
    log: { type: 'string' },
    mam: { type: 'string' },
    seed: { type: 'string' },
    by: { type: 'string', default: 'cli' },
    // Its box is redrawn after each key, and SIGUSR2 makes it swallow the next Enter.
    edit: { type: 'boolean', default: false },
  },
});
const note = noteIn(options.log);
const out = (text) => process.stdout.write(text);
const MESSAGE = /^Job (\S+): there is something for you to read/;

let box = '';
let reports = 0;
let swallows = 0;
const publish = options.by === 'mcp' ? mcpReporter(options.mam) : cli;

readTerminal({
  raw: () => {},
  paste(text) {
    box += text;
    if (options.edit) draw();
    else out(text.replaceAll('\n', '\r\n'));
  },
  key(key) {
    if (key === '\r') submit();
    else if (key === '\x15') box = '';
    else if (key === '\x7f') box = box.slice(0, -1);
    else {
      box += key;
      if (key >= ' ' && !options.edit) out(key);
    }
    if (options.edit) draw();
  },
});
note({ ready: process.pid, pane: process.env.TMUX_PANE });
out('READY> ');
if (options.edit) process.on('SIGUSR2', () => (swallows = 1));

function draw() {
  out(`\x1b[2J\x1b[HREADY> ${box.replaceAll('\n', '\r\n')}`);
}

function submit() {
  if (swallows > 0) {
    swallows -= 1;
    return;
  }
  if (box === '') return;
  const text = box;
  box = '';
  note({ submitted: text });
  out('\r\nTOOK IT\r\nREADY> ');
  const message = MESSAGE.exec(text)?.[1];
  const job = jobIn(text);
  if (job !== undefined) void work(job);
  else if (message !== undefined) void report(message, 'progress');
}

/** The same plan for a job whenever its order comes. */
async function work(job) {
  const dice = createHash('sha256').update(`${options.seed} ${job}`).digest();
  const pause = (place) => sleep(20 + dice[place] * 2);
  const kind = dice[0] % 16;
  if (kind === 0) return;
  await report(job, 'started');
  await pause(1);
  if (kind <= 2) return;
  for (let n = 0; n < dice[2] % 4; n += 1) {
    await report(job, 'progress');
    await pause(3 + n);
  }
  if (kind <= 4) {
    await report(job, 'error');
    return;
  }
  if (kind <= 7) {
    await report(job, 'question');
    for (let n = 0; n < 8; n += 1) {
      await sleep(400);
      const answer = await report(job, 'progress');
      if (answer?.messages?.length > 0) break;
    }
  }
  await report(job, 'completed', kind >= 13 ? 'x'.repeat(200 * dice[7]) : undefined);
  if (kind === 12) await report(job, 'completed');
}

/** Notes the report before and after: a process killed in between does not know its outcome. */
async function report(job, event, result) {
  reports += 1;
  const token = `${process.pid}-${Date.now()}-${reports}`;
  const sha256 = result && createHash('sha256').update(result).digest('hex');
  note({ reporting: event, job, token, ...(sha256 && { sha256 }) });
  const told = await publish(job, event, token, result);
  note({ reported: event, job, token, ...told });
  return told.answer;
}

async function cli(job, event, detail, result = '') {
  const words = ['--job', job, '--event', event, '--json', '--detail', detail];
  if (result !== '') words.push('--result-file', '-');
  const { code, stdout, stderr } = await runMam(options.mam, ['publish', ...words], result);
  return { code, words: stderr, answer: jsonOf(stdout) };
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
