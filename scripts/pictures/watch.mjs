#!/usr/bin/env node
// Makes docs/watch.svg and docs/web.png: `mam watch` in a terminal and `mam web` in Chromium, with the same real jobs in
// a lab of the tests. Run it after `npm run build` when their look has changed: `node --import tsx scripts/pictures/watch.mjs`.
import { writeFileSync } from 'node:fs';
import { startBrowser } from '../../test/apps/drawing-client.ts';
import { Board } from '../../test/support/board.ts';
import { Lab } from '../../test/support/lab.ts';
import { until } from '../../test/support/until.ts';
import { Web } from '../../test/support/web.ts';
import { svgOf } from './terminal-svg.mjs';

const [COLUMNS, ROWS] = [110, 22];
const lab = new Lab({ TZ: 'UTC', TERM: 'xterm-256color' });
const server = await lab.startServer();
const reporter = await lab.reporter;

/** A peer in its own session, with a job; `shows` is the work that its pane shows. */
async function job(session, prompt, shows, reports) {
  const work = `printf "\\033[2J\\033[H${shows}"; read x`;
  const peer = await lab.startPeer('mute', { session, args: ['--run', work] });
  const { job_id } = await server.delegate(peer, { prompt });
  const last = shows.split('\\n').at(-2);
  await until(`${session} works`, async () => (await lab.screen(peer)).includes(last));
  await report(job_id, reports);
}

async function report(id, reports) {
  for (const [event, detail] of reports) await reporter.report(id, event, { detail });
}

try {
  const person = { prompt: 'Collect the signed contract from reception', agent: 'human' };
  const { job_id } = await server.ask('delegate_job', person);
  await report(job_id, [['completed', 'It is in the safe.']]);
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
    ['progress', '30 of 42 prices are translated'],
  ]);
  const checkout =
    '● Read src/checkout/total.ts\\n  rounding happens twice: per item and at the end\\n● Update src/checkout/total.ts\\n  - items.reduce((sum, item) => sum + round(item.price), 0)\\n  + round(items.reduce((sum, item) => sum + item.price, 0))\\n● Bash(npm test -- checkout)\\n  ✓ total.test.ts (14)\\n  ✓ vouchers.test.ts (9)\\n● Bash(git push origin fix-totals)\\n';
  await job('checkout', 'Totals in the checkout are off by a cent', checkout, [
    ['started', 'on it'],
    ['progress', 'found it: prices are rounded twice'],
    ['progress', '23 tests pass'],
    ['permission_required', 'git push origin fix-totals'],
  ]);
  await job('login', 'Fix the login that fails after a password change', 'session.test.ts  2 failed\\n', [
    ['started', 'on it'],
    ['question', 'Should old sessions end at once, or with their cookie?'],
  ]);
  const board = await Board.start(lab, { size: [COLUMNS, ROWS] });
  await board.shows('y allow, n deny');
  await board.shows('fix-totals)');
  const picture = await lab.tmux('capture-pane', '-e', '-p', '-N', '-t', '=board:');
  writeFileSync('docs/watch.svg', svgOf(picture, COLUMNS, ROWS));
  await board.leave();
  const web = await Web.start(lab);
  const browser = await startBrowser();
  const page = await browser.newPage({ viewport: { width: 960, height: 600 } });
  await page.goto((await web.addresses(1)).at(-1));
  await page.getByText(/\d jobs?$/).waitFor();
  await page.getByText('Totals in the checkout').first().click();
  await page.getByText('Bash(git push origin fix-totals)').waitFor();
  await page.screenshot({ path: 'docs/web.png' });
  await browser.close();
  await web.end();
} finally {
  await lab.end();
}
