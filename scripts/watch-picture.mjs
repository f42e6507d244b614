#!/usr/bin/env node
// Makes docs/watch.svg: what a terminal shows of `mam watch`, with real jobs in a tmux of its own. Run it after
// `npm run build` when the board looks different.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { svgOf } from './terminal-svg.mjs';

const [COLUMNS, ROWS] = [110, 30];
const MAM = resolve('dist/main.js');
const PEER = resolve('test/peers/peer.mjs');
const folder = mkdtempSync(join(tmpdir(), 'mam-picture-'));
const project = join(folder, 'shop');
const socket = join(folder, 'tmux');
mkdirSync(project);
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  LANG: 'C.UTF-8',
  TZ: 'UTC',
  TERM: 'xterm-256color',
  MAM_HOME: join(folder, 'home'),
  TMUX: `${socket},1,0`,
};
const run = (program, ...words) =>
  execFileSync(program, words, {
    cwd: project,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trimEnd();
const tmux = (...words) => run('tmux', '-f', '/dev/null', '-S', socket, ...words);
const mam = (...words) => run(process.execPath, MAM, ...words);
const screen = (session) => tmux('capture-pane', '-p', '-t', `=${session}:`);

async function until(what, holds) {
  for (const end = Date.now() + 15_000; !holds(); await sleep(20)) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
  }
}

/** A peer in a session of its own, with a job; `shows` is what its pane shows of the work. */
async function job(session, prompt, shows, reports) {
  const words = [
    PEER,
    '--log',
    join(folder, `${session}.log`),
    '--report',
    '',
    '--run',
    `printf '${shows}'; read x`,
  ];
  const command = [process.execPath, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  tmux('new-session', '-d', '-s', session, '-x', '100', '-y', '30', '-c', project, `exec ${command}`);
  await until(`${session} is ready`, () => screen(session).includes('READY>'));
  const id = submit(prompt, 'command', '--agent-session', `tmux:${session}`);
  await until(`${session} works`, () => screen(session).includes(shows.split('\\n').at(-2)));
  report(id, reports);
}

function submit(prompt, agent, ...more) {
  return mam('submit', '--prompt', prompt, '--agent', agent, '--no-wait', ...more)
    .split('\n')
    .at(-1)
    .split('/')
    .at(-1);
}

function report(id, reports) {
  for (const [event, detail] of reports) mam('publish', '--job', id, '--event', event, '--detail', detail);
}

try {
  tmux(
    'new-session',
    '-d',
    '-s',
    'board',
    '-x',
    String(COLUMNS),
    '-y',
    String(ROWS),
    '-c',
    project,
    'sleep 600',
  );
  report(submit('Collect the signed contract from reception', 'human'), [
    ['completed', 'It is in the safe.'],
  ]);
  await job(
    'docs',
    'Describe the new return policy in docs/returns.md',
    'wrote docs/returns.md\\nmarkdown: no problems\\n',
    [
      ['started', 'on it'],
      ['completed', 'docs/returns.md has the policy, with two examples.'],
    ],
  );
  await job('api', 'Find out why the nightly import fails', 'import failed: HTTP 401\\n', [
    ['started', 'on it'],
    ['error', 'The key of the supplier has expired: only you can renew it.'],
  ]);
  await job('prices', 'Translate the price list into Korean', '가격표 번역 중 …\\n', [
    ['started', 'on it'],
    ['progress', '가격표 42개 중 30개 번역 완료'],
  ]);
  await job('login', 'Fix the login that fails after a password change', 'session.test.ts  2 failed\\n', [
    ['started', 'on it'],
    ['question', 'Shall old sessions end at once, or with their cookie?'],
  ]);
  const checkout =
    '● Read src/checkout/total.ts\\n  rounding happens twice: per item and at the end\\n● Update src/checkout/total.ts\\n  - items.reduce((sum, item) => sum + round(item.price), 0)\\n  + round(items.reduce((sum, item) => sum + item.price, 0))\\n● Bash(npm test -- checkout)\\n  ✓ total.test.ts (14)\\n  ✓ vouchers.test.ts (9)\\n● Bash(git push origin fix-totals)\\n';
  await job('checkout', 'Totals in the checkout are off by a cent', checkout, [
    ['started', 'on it'],
    ['progress', 'found it: prices are rounded twice'],
    ['progress', '23 tests pass'],
    ['permission_required', 'git push origin fix-totals'],
  ]);
  tmux('respawn-pane', '-k', '-t', '=board:', `exec ${process.execPath} ${MAM} watch`);
  await until(
    'the board is filled',
    () => /y allow, n deny/.test(screen('board')) && /fix-totals\)/.test(screen('board')),
  );
  writeFileSync(
    'docs/watch.svg',
    svgOf(tmux('capture-pane', '-e', '-p', '-N', '-t', '=board:'), COLUMNS, ROWS),
  );
  tmux('send-keys', '-t', '=board:', 'q');
} finally {
  mam('hub', 'stop');
  tmux('kill-server');
  rmSync(folder, { recursive: true, force: true });
}
