// `publish_event` sent → the browser has drawn it on the page of `mam web`, and the frames while 1,000 jobs are scrolled.
// The floor is an empty page: a process that appends, flushes the disk and notifies, and a bare stream of events.
import { once } from 'node:events';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startBrowser } from '../test/apps/drawing-client.ts';
import type { LabServer } from '../test/support/lab-server.ts';
import { freePort } from '../test/support/ports.ts';
import { until } from '../test/support/until.ts';
import { makeFinishedJobs } from './support/archive.ts';
import { atMost, inTurn, main, type Row, spread, times, within } from './support/bench.ts';
import { openJobs, startJournal } from './support/jobs.ts';
import { floorPath, inLab, MAM } from './support/lab.ts';

const GOAL = { p50: 50, p99: 150 };
const JOBS = 1_000;
const SMOOTH = 1.1;
/** A frame that takes longer is seen as a jerk, in ms: two were left out. */
const SLOW_MS = 50;
const WARM = 3;

/** In the page: the time (ms since 1970) after the next change of the last words was drawn. */
const DRAWN = `new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.timeOrigin + performance.now());
  const watch = new MutationObserver(() => { watch.disconnect(); port2.postMessage(0); });
  watch.observe(document.querySelector('.words'), { childList: true, characterData: true, subtree: true });
})`;
/** In the page: scrolls through the list, and returns how long each frame took, in ms. */
const SCROLL = `(async () => {
  const list = document.querySelector('.left');
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const taken = [];
  list.scrollTop = 0;
  for (let last = await frame(); taken.length < FRAMES;) {
    list.scrollTop += 120;
    const now = await frame();
    taken.push(now - last);
    last = now;
  }
  return taken;
})()`;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    makeFinishedJobs(lab.registry, JOBS);
    const [job = ''] = await openJobs(lab, 1);
    const relay = await startJournal(lab);
    const [peer, teller] = [await lab.server(), await lab.server(relay)];
    const port = await freePort();
    const floor = lab.spawn(process.execPath, [
      floorPath('page-server.mjs'),
      join(lab.folder, 'journal.sock'),
      `${port}`,
    ]);
    if (floor.stdout !== null) await once(floor.stdout, 'data');
    const web = lab.spawn(process.execPath, [MAM, 'web', '--json']);
    const [line] = web.stdout === null ? [] : await once(web.stdout, 'data');
    const browser = await startBrowser();
    try {
      const [page, bare] = [await browser.newPage(), await browser.newPage()];
      await page.goto(JSON.parse(`${line}`.split('\n')[0] ?? '').address);
      await page.locator('.job').nth(1).waitFor();
      await bare.goto(`http://127.0.0.1:${port}/`);

      const report = (server: LabServer, tool: string, detail: string) =>
        server.ask(tool, { job_id: job, event: 'progress', detail });
      const measures = {
        mam: (round: number) => drawn(page, (words) => report(peer, 'publish_event', words), round),
        floor: (round: number) => drawn(bare, (words) => report(teller, 'publish', words), round),
      };
      await allLoaded(page);
      await page.evaluate("document.querySelector('.left').scrollTop = 0");
      await inTurn(WARM, measures);
      const shown = await inTurn(rounds(200, 30), measures);
      const value = spread(shown.mam);
      const drawing = times(
        'publish_event sent → drawn in a browser, with 1,000 jobs',
        value,
        spread(shown.floor),
        within(value, GOAL),
      );

      await bare.goto(`http://127.0.0.1:${port}/list`);
      const scroll = async (at: Page) => {
        await at.bringToFront();
        return at.evaluate<number[]>(SCROLL.replace('FRAMES', `${rounds(450, 200)}`));
      };
      const frames = { mam: await scroll(page), floor: await scroll(bare) };
      const slow = (taken: number[]) => taken.filter((ms) => ms > SLOW_MS).length;
      const note = `slower than ${SLOW_MS} ms: ${slow(frames.mam)} of ${frames.mam.length}, floor ${slow(frames.floor)}`;
      const [taken, floored] = [spread(frames.mam), spread(frames.floor)];
      const smooth = atMost(SMOOTH, taken, floored, 'floor');
      return [drawing, { ...times(`a frame while ${JOBS} jobs are scrolled`, taken, floored, smooth), note }];
    } finally {
      await browser.close();
      web.kill('SIGINT');
      await once(web, 'exit');
    }
  }),
);

/** From a report to the frame that shows it, in ms. */
async function drawn(page: Page, tell: (words: string) => Promise<unknown>, round: number): Promise<number> {
  await page.bringToFront();
  const seen = page.evaluate<number>(DRAWN);
  // Evaluated after the beginning of the above.
  await page.evaluate('0');
  const sent = performance.timeOrigin + performance.now();
  await tell(`step ${round} of ${Math.random()}`);
  return (await seen) - sent;
}

/** Scrolls until every job is in the list. */
async function allLoaded(page: Page): Promise<void> {
  // A page in the background draws nothing.
  await page.bringToFront();
  const end = `document.querySelector('.left').scrollTop = 1e9, document.querySelectorAll('.job').length > ${JOBS}`;
  await until('all jobs are listed', () => page.evaluate<boolean>(end));
}
