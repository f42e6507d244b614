import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test as base } from '../support/lab-test.ts';
import { Web } from '../support/web.ts';
import { browserArguments, CHROMIUM, hasBrowser } from './drawing-client.ts';

/** A name of a stranger that leads to this machine, as after DNS rebinding. */
const REBOUND = 'rebound.test';

interface World {
  web: Web;
  /** For all tests: each has a context of its own, with its own cookies. */
  browser: Browser;
  /** A browser with `mam web` open. */
  page: Page;
  /** A site of someone else: on this machine too, on another port. */
  site: { port: number; asked: { url: string; cookie: string }[] };
}

const test = base.extend<World>({
  web: async ({ lab }, use) => {
    const web = await Web.start(lab);
    await use(web);
    await web.end();
  },
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const args = [...browserArguments, `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`];
      const browser = await chromium.launch({ executablePath: CHROMIUM, args });
      await use(browser);
      await browser.close();
    },
    { scope: 'file' },
  ],
  page: async ({ web, browser }, use) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto((await web.addresses(1)).at(-1) ?? '');
    await page.getByText(/\d jobs?$/).waitFor();
    await use(page);
    await context.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
  site: async ({}, use) => {
    const asked: World['site']['asked'] = [];
    const server: Server = createServer(({ url = '', headers }, response) => {
      asked.push({ url, cookie: headers.cookie ?? '' });
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>site</title>');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    await use({ port: (server.address() as { port: number }).port, asked });
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  },
});

async function ofPerson(lab: Lab): Promise<string> {
  return (await lab.json('submit', '--agent', 'human', '--no-wait', '--prompt', 'Mend the roof')).job_id;
}

/** In a stranger's page: everything that it can try with an address that it should not know. */
const attack = (base: string, jobId: string) => `(async () => {
  const body = JSON.stringify({ job_id: '${jobId}' });
  const url = '${base}call/cancel_job';
  const seen = [];
  const json = { 'Content-Type': 'application/json' };
  for (const options of [
    { mode: 'no-cors', body },
    { mode: 'cors', body, headers: json },
    { mode: 'cors', body, headers: { 'Content-Type': 'text/plain' } },
    { mode: 'no-cors', body: new URLSearchParams({ job_id: '${jobId}' }) },
  ]) {
    const answer = await fetch(url, { method: 'POST', credentials: 'include', ...options }).catch(() => undefined);
    seen.push(answer === undefined ? 'no answer' : answer.type === 'opaque' ? 'opaque' : answer.status);
  }
  navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' }));
  const read = await fetch('${base}', { credentials: 'include' }).then((answer) => answer.status, () => 'no answer');
  const frame = document.body.appendChild(document.createElement('iframe'));
  await new Promise((done) => { frame.onload = done; frame.src = '${base}'; });
  let framed;
  try { framed = frame.contentDocument === null ? 'foreign' : frame.contentDocument.title; } catch { framed = 'foreign'; }
  return { seen, read, framed };
})()`;

describe.skipIf(!hasBrowser)('what pages of strangers can do with mam web open', () => {
  test('a page on another port does nothing, even with its address, and gets no cookie', async ({
    lab,
    web,
    page,
    site,
  }) => {
    const jobId = await ofPerson(lab);
    await page.getByRole('button', { name: jobId }).waitFor();
    const stranger = await page.context().newPage();
    for (const name of ['127.0.0.1', 'localhost', REBOUND]) {
      await stranger.goto(`http://${name}:${site.port}/`);
      const found = await stranger.evaluate(attack(page.url(), jobId));
      expect(found, name).toEqual({
        seen: Array(4).fill('no answer'),
        read: 'no answer',
        framed: 'foreign',
      });
    }
    // A form that is sent there.
    await stranger.goto(`http://localhost:${site.port}/`);
    await stranger.evaluate(`(() => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'POST', action: '${page.url()}call/cancel_job', enctype: 'text/plain' });
      document.body.append(form);
      form.submit();
    })()`);
    await stranger.waitForURL(/call\/cancel_job$/);
    expect(await stranger.textContent('body')).toContain('Only the page itself');
    expect(lab.record(jobId).status).toBe('working');
    expect(site.asked.length).toBeGreaterThan(0);
    expect(site.asked.filter(({ cookie }) => cookie !== '')).toEqual([]);
    expect(web.port).not.toBe(site.port);
    await lab.mam('done', jobId);
  });

  test("a stranger's name that leads here gets nothing", async ({ lab, web, page }) => {
    const jobId = await ofPerson(lab);
    const { pathname } = new URL(page.url());
    const rebound = `http://${REBOUND}:${web.port}`;
    const stranger = await page.context().newPage();
    const [address = ''] = (await web.addresses(2)).slice(-1);
    for (const path of ['/', pathname, new URL(address).pathname]) {
      await stranger.goto(rebound + path);
      expect(await stranger.textContent('body')).toContain('only for this machine');
    }
    // In that page, the origin is the stranger's own: it may read what it is answered.
    const answers =
      await stranger.evaluate(`Promise.all(['call/list_jobs', 'call/cancel_job', 'events'].map(async (what) =>
      (await fetch('${pathname}' + what, { method: 'POST', body: '{"job_id":"${jobId}"}',
        headers: { 'Content-Type': 'application/json' } }).catch(() => ({}))).status))`);
    // Its own policy forbids even to ask; and the address still lets in one.
    expect(answers).toEqual([undefined, undefined, undefined]);
    expect(lab.record(jobId).status).toBe('working');
    await stranger.goto(address);
    await stranger.getByRole('button', { name: jobId }).waitFor();
    await lab.mam('done', jobId);
  });

  test('the address works from a file, as with --open, and from a link of another site', async ({
    lab,
    web,
    page,
    site,
  }) => {
    const file = join(lab.project, 'open.html');
    const refresh = (url: string) => `<!doctype html><meta http-equiv="refresh" content="0;url=${url}">`;
    writeFileSync(file, refresh((await web.addresses(2)).at(-1) ?? ''));
    const context = await page.context().browser()?.newContext();
    const other = await context?.newPage();
    if (other === undefined) throw new Error('no page');
    await other.goto(`file://${file}`);
    await other.getByText(/\d jobs?$/).waitFor();
    expect(other.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/);
    await other.goto(`http://localhost:${site.port}/`);
    await other.evaluate(`location.href = '${(await web.addresses(3)).at(-1)}'`);
    await other.getByText(/\d jobs?$/).waitFor();
    await other.goBack();
    expect(other.url()).not.toContain('/enter/');
    await context?.close();
  });
});
