import { copyFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, devices, type Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import { test as base } from '../support/lab-test.ts';
import { Relay } from '../support/relay.ts';
import { Repository } from '../support/repository.ts';
import { robotKind } from '../support/robots.ts';
import { until } from '../support/until.ts';
import { Web } from '../support/web.ts';
import { hasBrowser, startBrowser } from './drawing-client.ts';

const PHONE = { ...devices['Pixel 5'], viewport: { width: 360, height: 740 } };
/** A finger needs so many pixels. */
const TOUCH_PX = 44;

const test = base.extend<{ browser: Browser; web: Web; context: BrowserContext; page: Page }>({
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const browser = await startBrowser();
      await use(browser);
      await browser.close();
    },
    { scope: 'file' },
  ],
  web: async ({ lab }, use) => {
    const web = await Web.start(lab);
    await use(web);
    expect(await web.end()).toBe(0);
  },
  context: async ({ browser }, use) => {
    const context = await browser.newContext();
    await use(context);
    await context.close();
  },
  page: async ({ web, context }, use) => {
    const page = await context.newPage();
    await entered(web, page, use);
  },
});

/** Opens the page, which must report no error. */
async function entered(web: Web, page: Page, use: (page: Page) => Promise<void>): Promise<void> {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // That a request failed is said by the page itself.
    const isSaid = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isSaid) errors.push(message.text());
  });
  await page.goto((await web.addresses(1)).at(-1) ?? '');
  await page.waitForURL(/:\d+\/[\w-]{22}\/$/);
  await page.getByText(/\d jobs?$/).waitFor();
  await use(page);
  expect(errors).toEqual([]);
}

async function ofPerson(lab: Lab, prompt = 'Mend the roof'): Promise<string> {
  return (await lab.json('submit', '--agent', 'human', '--no-wait', '--prompt', prompt)).job_id;
}

/** What a page of another site, or nobody, could not have caused. */
const requests = (page: Page): string[] => {
  const seen: string[] = [];
  page.on('request', (request) => seen.push(new URL(request.url()).pathname.replace(/^\/[\w-]{22}\//, '')));
  return seen;
};

describe.skipIf(!hasBrowser)('mam web in a browser', () => {
  test('shows what a job has changed, and what becomes of its branch', async ({ lab, page }) => {
    const repo = new Repository({ place: realpathSync(lab.project), name: 'repo' });
    copyFileSync(join(lab.project, '.home/.gitconfig'), join(lab.folder, '.gitconfig'));
    lab.expected.push(/^\.gitconfig$/, /^p\/\.home\//);
    const work = 'echo tin > roof.txt && git add . && git commit -qm Tin';
    lab.configure({ agents: { worker: robotKind(lab, '--hook', work, '--report', 'started') } });
    const words = ['submit', '--prompt', 'Mend the roof', '--agent', 'worker', '--worktree', '--no-wait'];
    const env = { MAM_REGISTRY_DIR: lab.registry };
    const submitted = await lab.start([...words, '--json'], { cwd: repo.folder, input: '', env }).ended;
    const { job_id: id } = JSON.parse(submitted.stdout);
    const { session } = await until('it has a session', () => lab.record(id).agent_session);
    lab.sessions.add(session);
    await until('its work is committed', () => repo.git('log', '-1', '--format=%s', `mam/${id}`) === 'Tin');
    await lab.mam('publish', '--job', id, '--event', 'completed');

    await page.getByRole('button', { name: id }).click();
    const detail = page.getByRole('region', { name: 'The selected job' });
    await detail.getByText('changed: 1 file changed, 1 insertion(+) in 1 commit').waitFor();
    await detail.getByText(`work: branch mam/${id} in ${lab.project}`).waitFor();
    const merged = await lab.start(['merge', id], { cwd: repo.folder, env }).ended;
    expect(merged).toMatchObject({ code: 0, stderr: '' });
    await detail.getByText('merged into main').first().waitFor();
  });

  test('shows what happens as it happens, and asks for nothing meanwhile', async ({
    lab,
    page,
    peer,
    server,
    reporter,
  }) => {
    expect(await page.title()).toBe('mam · p');
    const { job_id: jobId } = await server.delegate(peer, { trust_pane: true });
    const row = page.getByRole('button', { name: jobId });
    await row.waitFor();
    const seen = requests(page);
    await reporter.report(jobId, 'started');
    await row.getByText('working', { exact: true }).waitFor();
    await reporter.report(jobId, 'progress', { detail: 'half of the tiles are on' });
    await row.getByText('half of the tiles are on').waitFor();
    await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    await until('the title counts', async () => (await page.title()) === '(1) mam · p');
    expect(seen).toEqual([]);

    await row.click();
    const detail = page.getByRole('region', { name: 'The selected job' });
    await detail.locator('.request', { hasText: 'Slate or tin?' }).waitFor();
    await detail.locator('.screen', { hasText: 'READY>' }).waitFor();
    await detail.getByLabel('Your answer').fill('Tin.');
    await detail.getByRole('button', { name: 'Send' }).click();
    await until('the title counts none', async () => (await page.title()) === 'mam · p');
    const answered = lab.events(jobId).find(({ type }) => type === 'answered');
    expect(answered).toMatchObject({ source: 'person', detail: 'Tin.' });
    // The screen comes by itself too.
    await detail.locator('.screen', { hasText: 'The answer to your question' }).waitFor();
    await reporter.report(jobId, 'completed', { detail: 'The roof is whole.' });
    await detail.locator('.event', { hasText: 'The roof is whole.' }).waitFor();
    expect(seen).not.toContain('call/list_jobs');
  });

  test('decides exactly the request that was read', async ({ lab, page, peer, server, reporter }) => {
    const { job_id: jobId } = await server.delegate(peer, { trust_pane: true });
    await reporter.report(jobId, 'started');
    await lab.tmux('copy-mode', '-t', peer.pane);
    await reporter.report(jobId, 'permission_required', { detail: 'rm the old roof' });
    await page.getByRole('button', { name: jobId }).click();
    await page.getByRole('button', { name: 'Allow…' }).click();
    const sure = page.getByRole('alertdialog');
    await sure.getByText('Allow this request?').waitFor();
    await reporter.report(jobId, 'permission_required', { detail: 'sell the house' });
    await page.locator('.request', { hasText: 'sell the house' }).waitFor();
    await sure.waitFor({ state: 'hidden' });
    expect(lab.types(jobId)).not.toContain('answered');
    await page.getByRole('button', { name: 'Deny…' }).click();
    await sure.getByRole('button', { name: 'Yes, deny it' }).click();
    const decided = await lab.event(jobId, 'answered');
    expect(decided.source).toBe('person');
    expect(dataOf(decided)).toMatchObject({ decision: 'deny' });
    // The same for words: written for nothing, and then something is asked.
    await page.getByRole('button', { name: 'Deny…' }).waitFor({ state: 'detached' });
    await page.getByLabel('Tell the peer something').fill('Go on.');
    await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    await page.locator('.request', { hasText: 'Slate or tin?' }).waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    await sure.getByText('Send it as the answer to the new question?').waitFor();
    await sure.getByRole('button', { name: 'Back' }).click();
    await page.getByLabel('Your answer').fill('Tin.');
    await page.getByRole('button', { name: 'Send' }).click();
    await sure.getByRole('button', { name: 'Yes, send it' }).click();
    const answer = () => lab.events(jobId).find(({ detail }) => detail === 'Tin.');
    expect(await until('it is answered', answer)).toMatchObject({ type: 'answered', source: 'person' });
    // Without a word there is nothing to confirm.
    await reporter.report(jobId, 'question', { detail: 'How many?' });
    await page.locator('.request', { hasText: 'How many?' }).waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    expect(await sure.isHidden()).toBe(true);
    // What is asked meanwhile does not end the question about something else.
    await page.getByRole('button', { name: 'Cancel the job…' }).click();
    await sure.getByText('Cancel this job?').waitFor();
    await reporter.report(jobId, 'question', { detail: 'Nails or screws?' });
    await page.locator('.request', { hasText: 'Nails or screws?' }).waitFor();
    await sure.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.getByRole('button', { name: jobId }).getByText('cancelled').waitFor();
  });

  test('a dialog that mam cannot answer is only attached to', async ({ lab, browser }) => {
    const asking = { session: 'asker', ready: '^› Ask Codex', dialog: '^ +Would you like' };
    lab.configure({ agents: { asking } });
    const server = await lab.startServer();
    const peer = await lab.startAsker('--kind', 'codex', '--silent', '--ask', 'make tower');
    const prompt = `Rebuild the tower ${'with care '.repeat(30)}`;
    const { job_id: jobId } = await server.delegate(peer, { agent: 'asking', prompt });
    await lab.event(jobId, 'permission_required');
    const web = await Web.start(lab);
    await entered(web, await browser.newPage(), async (page) => {
      const row = page.getByRole('button', { name: jobId });
      // What it is about, and what it says.
      await row.getByText('Rebuild the tower with care').waitFor();
      await row.getByText('Would you like to run the following command?').waitFor();
      await row.click();
      const detail = page.getByRole('region', { name: 'The selected job' });
      await detail.getByText(`mam attach ${jobId}`, { exact: true }).waitFor();
      await detail.getByText('It waits at a dialog in its pane').waitFor();
      await detail.getByText('needs you (permission)').waitFor();
      await detail.locator('.event', { hasText: /delivered.*in [\d.]+ m?s/ }).waitFor();
      expect(await detail.locator('.event', { hasText: /pasting|visible|submitted/ }).count()).toBe(0);
      for (const name of ['Allow…', 'Deny…', 'Send'])
        expect(await detail.getByRole('button', { name }).count(), name).toBe(0);
      await detail.getByRole('button', { name: 'Show the whole task' }).waitFor();
      await page.close();
    });
    expect(await web.end()).toBe(0);
    await server.ask('cancel_job', { job_id: jobId });
  });

  test("a person's job is theirs, and an empty task is not sent", async ({ lab, page }) => {
    const jobId = await ofPerson(lab);
    await page.getByRole('button', { name: jobId }).click();
    const detail = page.getByRole('region', { name: 'The selected job' });
    await detail.getByText('This job is yours').waitFor();
    expect(await detail.locator('.status').textContent()).toBe('● yours');
    expect(await detail.getByRole('textbox').count()).toBe(1);
    // Its beginning is all of a short task.
    await detail.locator('.event').first().waitFor();
    await detail.getByRole('button', { name: 'Show the whole task' }).waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'New job' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Delegate' }).click();
    await dialog.getByRole('alert').getByText('The task is empty').waitFor();
    await dialog.getByRole('button', { name: 'Back' }).click();
    await lab.mam('done', jobId);
  });

  test('delegates, says why not, shows the whole task, and reports it done', async ({ lab, page }) => {
    await page.getByRole('button', { name: 'New job' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Agent', { exact: true }).selectOption('another program in tmux');
    await dialog.getByLabel('Its session').fill('tmux:nowhere');
    await dialog.getByLabel('Task').fill('Bring the key.\n\nIt is made of <b>brass</b>.');
    await dialog.getByRole('button', { name: 'Delegate' }).click();
    await dialog.getByRole('alert').getByText('tmux').waitFor();
    await dialog.getByLabel('Agent', { exact: true }).selectOption('a person');
    await dialog.getByRole('button', { name: 'Delegate' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const detail = page.getByRole('region', { name: 'The selected job' });
    await detail.getByRole('button', { name: 'Show the whole task' }).click();
    const task = detail.getByLabel('The whole task', { exact: true });
    await task.filter({ hasText: 'Bring the key.' }).waitFor();
    expect(await task.textContent()).toBe('Bring the key.\n\nIt is made of <b>brass</b>.');
    const jobId = (await detail.getByRole('heading').first().textContent()) ?? '';
    expect(lab.record(jobId).supervisor.client).toBe('web');
    await detail.getByLabel('The outcome').fill('It hangs on the board.');
    await detail.getByRole('button', { name: 'Report as done' }).click();
    await page.getByRole('button', { name: jobId }).getByText('completed').waitFor();
    expect(await lab.event(jobId, 'completed')).toMatchObject({
      source: 'person',
      detail: 'It hangs on the board.',
    });
    await detail.getByRole('button', { name: 'Report as done' }).waitFor({ state: 'hidden' });
  });

  test('on a phone: the list, then a job with a way back; nothing is too small or too wide', async ({
    lab,
    web,
    browser,
  }) => {
    const jobId = await ofPerson(lab, `Mend the roof of ${'a-very-long-name-'.repeat(8)}`);
    const context = await browser.newContext(PHONE);
    await entered(web, await context.newPage(), async (page) => {
      const wide = () => page.evaluate('document.documentElement.scrollWidth') as Promise<number>;
      const row = page.getByRole('button', { name: jobId });
      await row.tap();
      await page.getByRole('heading', { name: jobId }).waitFor();
      expect(await row.isVisible()).toBe(false);
      expect(await wide()).toBe(360);
      for (const button of await page.getByRole('button').all()) {
        const box = await button.boundingBox();
        if (box !== null) expect(box.height, await button.innerText()).toBeGreaterThanOrEqual(TOUCH_PX);
      }
      await page.getByRole('button', { name: 'All jobs' }).tap();
      await row.waitFor();
      expect(await row.evaluate((element) => element === document.activeElement)).toBe(true);
      // The browser's own way back does the same, and a job's address leads to it.
      await row.tap();
      await page.getByRole('heading', { name: jobId }).waitFor();
      await page.goBack();
      await row.waitFor();
      await page.getByRole('button', { name: 'New job' }).tap();
      await page.getByRole('dialog').getByRole('button', { name: 'Delegate' }).waitFor();
      expect(await wide()).toBe(360);
    });
    await context.close();
    await lab.mam('done', jobId);
  });

  test('outlives its hub, and goes on with the next one', async ({ lab, page }) => {
    const jobId = await ofPerson(lab);
    await page.getByRole('button', { name: jobId }).waitFor();
    await lab.killHub();
    await until('another hub runs', () => lab.hubs.length === 1);
    const second = await ofPerson(lab, 'Paint the door');
    await page.getByRole('button', { name: second }).waitFor();
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await lab.mam('done', second);
  });

  test('works over another port, as with ssh -L, and catches up when that comes back', async ({
    lab,
    web,
    context,
  }) => {
    const jobId = await ofPerson(lab);
    const relay = new Relay(web.port);
    await relay.open();
    const [address = ''] = await web.addresses(1);
    const page = await context.newPage();
    await page.goto(address.replace(`127.0.0.1:${web.port}`, `localhost:${relay.port}`));
    const row = page.getByRole('button', { name: jobId });
    await row.getByText('yours', { exact: true }).waitFor();
    await relay.cut();
    await page.getByRole('alert').getByText('connects again by itself').waitFor();
    await lab.mam('done', jobId);
    const second = await ofPerson(lab, 'Paint the door');
    await relay.open();
    await row.getByText('completed').waitFor();
    await page.getByRole('button', { name: second }).waitFor();
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await lab.mam('done', second);
    await row.getByText('completed').waitFor();
    await page.close();
    await relay.cut();
  });

  test('eight tabs of a browser share one stream, and go on when its tab is closed', async ({
    lab,
    page,
    context,
  }) => {
    const jobId = await ofPerson(lab);
    const tabs = [page];
    while (tabs.length < 8) {
      const tab = await context.newPage();
      await tab.goto(page.url());
      tabs.push(tab);
    }
    for (const tab of tabs) await tab.getByRole('button', { name: jobId }).getByText('yours').waitFor();
    // Another page is the first one's place now.
    await page.goto('about:blank');
    await lab.mam('done', jobId);
    for (const tab of tabs.slice(1)) {
      await tab.getByRole('button', { name: jobId }).getByText('completed').waitFor();
      expect(await tab.title()).toBe('mam · p');
      await tab.close();
    }
  });

  test('a page whose mam web has ended says so, and one of another lets nobody in', async ({
    lab,
    page,
    web,
  }) => {
    const address = page.url();
    expect(await web.end()).toBe(0);
    await page.getByRole('alert').getByText('it may have been stopped').waitFor();
    const other = await Web.start(lab, ['--port', String(web.port)]);
    await page.getByRole('alert').getByText('Open the address that it shows now').waitFor();
    await page.goto(address);
    await page.getByText('not valid here').waitFor();
    expect(await other.end()).toBe(0);
  });
});
