// A terminal program that looks and acts like a coding agent which asks before it runs a command. Options:
//   --log FILE          one JSON line for everything that it reads or does
//   --mam FILE          the built program, for its hooks and its report
//   --kind KIND         codex (its dialog comes after its hook) or claude-code (its hook waits while the dialog is up)
//   --ask COMMAND       asks for this once it has its order; may be given several times
//   --silent            has no hooks, as an agent that a person has started
//   --late              draws a dialog at the end of a second in which it has drawn before, and nothing after it
//   --at-once           asked for in one answer: all hooks report before the first dialog
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { jobIn, noteIn, readTerminal, runMam } from './terminal.mjs';

const { values: options } = parseArgs({
  options: {
    log: { type: 'string' },
    mam: { type: 'string' },
    kind: { type: 'string' },
    ask: { type: 'string', multiple: true },
    silent: { type: 'boolean' },
    late: { type: 'boolean' },
    'at-once': { type: 'boolean' },
  },
});

const RULE = '─'.repeat(60);
const DASHES = '╌'.repeat(60);
/** The end of the screen as each agent draws it; the cursor is left after the text of the box. */
const LOOKS = {
  codex: {
    // An empty box of Codex shows a placeholder.
    box: (text) => [
      `› ${text.join('\n  ')}\x1b7${text.join('') === '' ? '\x1b[2mAsk Codex to do anything\x1b[22m' : ''}`,
      '',
      '  scripted default · /home/me/project\x1b8',
    ],
    busy: [
      '• Working (2s • esc to interrupt)',
      '',
      '› \x1b7',
      '',
      '  scripted default · /home/me/project\x1b8',
    ],
    dialog: (command) => [
      '  Would you like to run the following command?',
      '',
      `  $ ${command}`,
      '',
      '› 1. Yes, proceed (y)',
      '  2. No, and tell Codex what to do differently (esc)',
      '',
      '  Press enter to confirm or esc to cancel',
    ],
  },
  'claude-code': {
    box: (text) => [
      RULE,
      `❯\u00a0${text.join('\n  ')}\x1b7`,
      RULE,
      '  ⏸ manual mode on · ? for shortcuts\x1b8',
    ],
    busy: [
      '✻ Working… (2s · ↓ 12 tokens)',
      '',
      RULE,
      '❯\u00a0\x1b7',
      RULE,
      '  ⏸ manual mode on · esc to interrupt\x1b8',
    ],
    dialog: (command) => [
      RULE,
      ' Bash command',
      DASHES,
      ` ${command}`,
      DASHES,
      ' Do you want to proceed?',
      ' ❯ 1. Yes',
      '   2. No',
      '',
      ' Esc to cancel · Tab to amend',
    ],
  },
};
const look = LOOKS[options.kind];
const note = noteIn(options.log);

let box = '';
/** The request of the dialog on the screen. */
let asked;
const left = [...options.ask];
/** The outcomes of the hooks of simultaneous commands. */
const told = new Map();

readTerminal({
  raw: (read) => note({ read }),
  paste(text) {
    box += text;
    draw(look.box(box.split('\n')));
  },
  key(key) {
    if (asked !== undefined && (key === '1' || key === '\x1b')) void settle(key === '1');
    else if (asked === undefined && key === '\r' && box !== '') void begin(box);
  },
});
draw(look.box(['']));
note({ ready: process.pid });

function draw(rows) {
  process.stdout.write(`\x1b[2J\x1b[H${rows.join('\n').replaceAll('\n', '\r\n')}`);
}

async function begin(order) {
  const id = jobIn(order);
  box = '';
  draw(look.box(['']));
  if (id === undefined) return;
  await runMam(options.mam, ['publish', '--job', id, '--event', 'started']);
  // The last one is reported first, because nobody may rely on the order.
  if (options['at-once']) for (const command of left.toReversed()) told.set(command, tell(command));
  await Promise.all(told.values());
  void askNext();
}

async function askNext() {
  const command = left.shift();
  if (command === undefined) {
    // Whatever comes next, it continues.
    draw(look.busy);
    return;
  }
  const answer = told.get(command) ?? tell(command);
  if (options.kind === 'codex') await answer;
  if (options.late) await endOfSecond();
  asked = command;
  draw(look.dialog(command));
  const { stdout } = await answer;
  // Too late if a key has resolved it.
  if (stdout !== '' && asked === command)
    void settle(stdout.includes('"allow"'), JSON.parse(stdout).hookSpecificOutput.decision.message);
}

/** tmux has already reported this second, and never reports it again. */
async function endOfSecond() {
  // An agent at work: one that looks idle is looked at again in any case.
  const busy = ['• Working (1s • esc to interrupt)', '', ...look.box([''])];
  draw(busy);
  // Too little of this second is left for tmux to report it.
  if (Date.now() % 1_000 > 700) await sleep(1_000 - (Date.now() % 1_000));
  for (; Date.now() % 1_000 < 950; await sleep(30)) draw(busy);
}

function tell(command) {
  return hook('PermissionRequest', { tool_name: 'Bash', tool_input: { command } });
}

async function settle(allowed, message) {
  note({ settled: asked, allowed });
  asked = undefined;
  if (allowed) void askNext();
  else {
    // Codex shows the effect only after its hook has ended.
    if (options.kind === 'codex') await hook('Interrupt', {});
    // The reason in a hook's denial is shown.
    draw([...(message === undefined ? [] : [`  ⎿  ${message}`, '']), ...look.box([''])]);
  }
}

function hook(event, payload) {
  if (options.silent) return Promise.resolve({ code: 0, stdout: '' });
  return runMam(
    options.mam,
    ['hook', options.kind, event],
    JSON.stringify({ session_id: 'one', ...payload }),
  );
}
