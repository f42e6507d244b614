#!/usr/bin/env node
// Makes docs/picture-dark.svg and docs/picture-light.svg: a real run in a real tmux. Claude Code delegates to Codex, Codex
// asks, a person presses `y` in `mam watch`, the check passes. The agents are real; their models are scripted. Run it
// after `npm run build` when what it shows has changed: `node --import tsx scripts/pictures/run.mjs`.
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claudeCode } from '../../test/agents/homes/claude-code.ts';
import { codex } from '../../test/agents/homes/codex.ts';
import { AgentLab } from '../../test/agents/lab.ts';
import { worker } from '../../test/agents/model/worker.ts';
import { install, programOf } from '../../test/agents/programs.ts';
import { PROGRAM } from '../../test/support/mcp-client.ts';
import { until } from '../../test/support/until.ts';
import { lookNeutral } from './neutral-codex.mjs';
import { filmOf } from './terminal-svg.mjs';

const [COLUMNS, ROWS, BOARD_ROWS] = [112, 38, 13];
/** How often the screen is looked at, and the longest time in which nothing moves, in ms. */
const [FRAME_MS, STILL_MS] = [120, 1_500];
/** The pace of a scripted model and of the person who types, in ms. */
const [STEP_MS, WORD_MS] = [200, 80];
const TASK = 'Fix the failing login test in test/session.test.js';
const EARLIER = 'Write tests for old and new sessions';
const OTHER = 'Describe sessions in docs/sessions.md';
const ASKED = 'Let codex fix the failing login test, and check it with check.sh.';

class Studio extends AgentLab {
  project = join(this.folder, 'home', 'shop');
  registry = join(this.project, '.mam', 'jobs');
  frames = [];

  get env() {
    return {
      ...super.env,
      SCRIPTED_KEY: 'dummy-key-for-tests-only',
      PS1: '$ ',
      TERM: 'tmux-256color',
      COLORTERM: 'truecolor',
    };
  }

  async keep() {
    const capture = await this.steadyTmux('capture-pane', '-e', '-p', '-N', '-t', '=camera:');
    if (this.frames.at(-1)?.capture !== capture) this.frames.push({ at: Date.now(), capture });
  }
}

for (const agent of [claudeCode, codex]) install(agent);
const lab = new Studio(claudeCode);
const home = join(lab.folder, 'home');
mkdirSync(lab.project, { recursive: true });
lab.expected.push(/^home\//);
symlinkSync(programOf(codex), join(lab.folder, 'bin', 'codex'));
const mam = join(lab.folder, 'bin', 'mam');
writeFileSync(mam, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
chmodSync(mam, 0o755);

lab.write('src/session.js', 'export const isOver = ({ ends }, now = Date.now()) => now < ends;\n');
lab.write(
  'test/session.test.js',
  "import assert from 'node:assert';\nimport { test } from 'node:test';\nimport { isOver } from '../src/session.js';\ntest('an old session is over', () => assert(isOver({ ends: 1 }, 2)));\ntest('a new session is not', () => assert(!isOver({ ends: 2 }, 1)));\n",
);
lab.write('package.json', '{ "type": "module", "scripts": { "test": "node --test" } }\n');
const check = lab.write('check.sh', '#!/bin/sh\nexec node --test\n', 0o755);

const report = (job_id, event, detail) => ({ call: 'publish_event', args: { job_id, event, detail } });
/** The other job is at work for as long as the film lasts. */
let stopOther = () => {};
const filmed = new Promise((resolve) => {
  stopOther = resolve;
});
const plans = {
  [EARLIER]: (id) => [
    report(id, 'started'),
    report(id, 'completed', '2 tests; the one for old sessions fails.'),
  ],
  [OTHER]: (id) => [
    report(id, 'started'),
    report(id, 'progress', 'reading src/session.js'),
    filmed.then(() => ({ say: 'Stopped.' })),
  ],
  [TASK]: (id) => [
    report(id, 'started'),
    report(id, 'progress', 'found it: the comparison is the wrong way round'),
    { shell: "sed -i 's/now < ends/now >= ends/' src/session.js && node --test" },
    report(id, 'completed', 'Old sessions end now. Both tests pass.'),
    { say: 'Done: old sessions end now.' },
  ],
};
const peer = worker(
  (id, { prompts }) => {
    const task = Object.keys(plans).find((one) => prompts.at(-1).replaceAll(/\s+/g, ' ').includes(one));
    return plans[task ?? TASK](id);
  },
  (request) => supervisor(request),
);

/** Delegates, waits until the job is final, and says so; of a request it informs its user. */
function supervisor({ results }) {
  const id = /"job_id":\s*"([a-z0-9-]+)"/.exec(results[0]?.text ?? '')?.[1];
  const last = results.at(-1)?.text ?? '';
  const cursor = /"cursor":\s*"([^"]+)"/.exec(last)?.[1];
  const wait = { call: 'wait_job', args: { job_id: id, ...(cursor && { cursor }) } };
  if (results.length === 0)
    return { call: 'delegate_job', args: { prompt: TASK, agent: 'codex', validate: check } };
  if (last.includes('"outcome":"final"'))
    return { say: 'Codex has fixed the login test, and check.sh passes.' };
  if (!last.includes('"outcome":"needs_attention"')) return wait;
  return {
    many: [{ say: 'Codex asks whether it may run a command. You can answer it on the board.' }, wait],
  };
}

/** The frames with their times from 0, and no longer waits than anyone likes to watch. */
function inTime(frames) {
  let at = 0;
  return frames.map(({ at: taken, capture }, n) => {
    at += n === 0 ? 0 : Math.min(taken - frames[n - 1].at, STILL_MS);
    return { at, capture };
  });
}

const type = async (pane, text) => {
  for (const word of text.split(/(?<= )/)) {
    await lab.steadyTmux('send-keys', '-l', '-t', pane, word);
    await pause(WORD_MS);
  }
};

let [filming, film] = [false, undefined];
try {
  const model = async (request) => {
    await pause(STEP_MS);
    return peer.model(request);
  };
  await lab.prepare(model, { ask: false });
  codex.prepare(home, lab.project, lab.env.ANTHROPIC_BASE_URL, { ask: true });
  lookNeutral(home);
  const permissions = { defaultMode: 'default', allow: ['mcp__mam'] };
  writeFileSync(join(home, '.claude', 'settings.json'), JSON.stringify({ permissions }));
  const installed = await lab.mam('install', 'claude-code');
  if (installed.code !== 0) throw new Error(installed.stderr);
  lab.expected.push(/^h\//);
  const mamDoes = async (...words) => {
    const { code, stdout, stderr } = await lab.mam(...words);
    if (code !== 0) throw new Error(stdout + stderr);
  };
  for (const name of ['codex', 'docs']) {
    await mamDoes('start', 'codex', '--name', name, '--', '--no-daemon');
    lab.sessions.add(name);
  }
  await mamDoes('submit', EARLIER, '--agent', 'codex');
  await mamDoes('submit', OTHER, '--agent', 'codex', '--agent-session', 'tmux:docs', '--no-wait');
  // A new conversation, whose screen is empty.
  await mamDoes('stop', 'codex');
  await mamDoes('start', 'codex', '--', '--no-daemon');
  await lab.tmux('set-option', '-t', '=codex:', 'status', 'off');
  await lab.startSession('show', 'exec claude');
  await lab.tmux('resize-window', '-t', '=show:', '-x', `${COLUMNS}`, '-y', `${ROWS - 1}`);
  for (const [name, value] of [
    ['pane-border-status', 'top'],
    [
      'pane-border-format',
      ' #{?#{==:#{pane_index},0},Claude Code,#{?#{==:#{pane_index},1},Codex (tmux:codex),mam watch}} ',
    ],
  ])
    await lab.tmux('set-option', '-w', '-t', '=show:', name, value);
  const attach = `exec env -u TMUX tmux -f /dev/null -S '${lab.socket}' attach -t =codex`;
  await lab.tmux(
    'split-window',
    '-v',
    '-l',
    `${BOARD_ROWS}`,
    '-t',
    '=show:',
    '-c',
    lab.project,
    'exec mam watch',
  );
  await lab.tmux('split-window', '-h', '-t', '=show:.0', '-c', lab.project, attach);
  const camera = `exec env -u TMUX tmux -f /dev/null -S '${lab.socket}' attach -t =show`;
  lab.sessions.add('camera');
  const size = ['-x', `${COLUMNS}`, '-y', `${ROWS}`];
  await lab.tmux('new-session', '-d', '-s', 'camera', ...size, camera);
  await lab.tmux('set-option', '-t', '=camera:', 'status', 'off');
  await lab.tmux('set-option', '-g', 'focus-events', 'on');
  for (const [name, value] of [
    ['status-style', 'bg=colour238,fg=colour252'],
    ['status-left', ' shop '],
    ['status-right', ' mam: #(mam status --short) '],
    ['status-right-length', '60'],
    ['status-interval', '1'],
    ['window-status-current-format', ''],
    ['window-status-format', ''],
  ])
    await lab.tmux('set-option', '-t', '=show:', name, value);
  await lab.tmux('resize-window', '-t', '=camera:', '-x', `${COLUMNS}`, '-y', `${ROWS}`);
  await lab.tmux('select-pane', '-t', '=show:.0');
  await until('both agents show their boxes', async () => {
    const screen = await lab.tmux('capture-pane', '-p', '-t', '=camera:');
    return ['for agents', 'Ask Codex', 'reading src', '1 working'].every((words) => screen.includes(words));
  });
  // What Codex says about this machine, such as a missing package; a person dismisses it once.
  await lab.steadyTmux('send-keys', '-t', '=codex:', 'F2');
  await pause(STEP_MS);
  await lab.steadyTmux('send-keys', '-t', '=codex:', 'Escape');
  let screen = '';
  const shows = (words) =>
    until(
      `the screen shows ${words}`,
      async () => {
        screen = await lab.tmux('capture-pane', '-p', '-t', '=camera:');
        return screen.includes(words);
      },
      30_000,
    ).catch((error) => {
      throw new Error(`${error.message}\n${screen}`);
    });
  filming = true;
  film = (async () => {
    while (filming) {
      await lab.keep();
      await pause(FRAME_MS);
    }
  })();
  await type('=show:.0', ASKED);
  await shows('with check.sh.');
  // Sooner, Claude Code may take the Enter for a part of a paste.
  await pause(500);
  await lab.steadyTmux('send-keys', '-t', '=show:.0', 'Enter');
  await shows('◆ permission');
  await lab.tmux('select-pane', '-t', '=show:.2');
  await pause(STILL_MS);
  await lab.steadyTmux('send-keys', '-t', '=show:.2', 'Tab');
  await shows('y allow');
  await pause(STILL_MS);
  await lab.steadyTmux('send-keys', '-t', '=show:.2', 'y');
  await shows('Enter allows');
  await pause(STILL_MS);
  await lab.steadyTmux('send-keys', '-t', '=show:.2', 'Enter');
  await shows('and check.sh passes');
  await shows('done');
  await pause(STILL_MS);
  filming = false;
  await film;
  const frames = inTime(lab.frames);
  for (const theme of ['dark', 'light'])
    writeFileSync(`docs/picture-${theme}.svg`, filmOf(frames, COLUMNS, ROWS, theme));
} finally {
  filming = false;
  await film;
  stopOther();
  await lab.end();
}
