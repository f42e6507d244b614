import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';
import { until } from '../support/until.ts';
import { DrawingClient, hasBrowser, startBrowser, startServer } from './drawing-client.ts';

/** One browser and one page for all tests: each opening starts a new board, and each test looks at its own jobs. */
const test = sharing.extend<{ browser: Browser; page: DrawingClient; client: DrawingClient }>({
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const browser = await startBrowser();
      await use(browser);
      await browser.close();
    },
    { scope: 'file' },
  ],
  page: [async ({ lab, browser }, use) => use(await DrawingClient.start(browser, lab)), { scope: 'file' }],
  /** A client that can show pages; the board must have accessed nothing, and the browser reported no error. */
  client: async ({ page: client }, use) => {
    const { server } = client;
    await use(client);
    // What the board does when it ends counts too.
    await client.page.goto('about:blank');
    const found = { reached: [...client.reached], errors: [...client.errors] };
    client.server = server;
    await client.clear();
    expect(found).toEqual({ reached: [], errors: [] });
  },
});

/** For tests that count or list all jobs: a server in its own project. @returns its registry */
async function moveAway(lab: Lab, client: DrawingClient): Promise<string> {
  const project = mkdtempSync(join(lab.project, 'project-'));
  mkdirSync(join(project, '.mam'));
  client.server = await startServer(lab, project);
  return join(project, '.mam', 'jobs');
}

/** Run in the browser. */
const isFocused = (element: Element): boolean => element === document.activeElement;

/** A job that a peer has started, and the peer's own server to report with. */
async function working(lab: Lab, client: DrawingClient) {
  const peer = await lab.startPeer('mute');
  const { job_id: jobId } = await client.server.delegate(peer, { trust_pane: true });
  const reporter = await lab.reporter;
  await reporter.report(jobId, 'started');
  return { jobId, peer, reporter };
}

/** The same for a person, who needs no pane. */
async function ofPerson(lab: Lab, client: DrawingClient) {
  const { job_id: jobId } = await client.server.ask('delegate_job', {
    prompt: 'Mend the roof',
    agent: 'human',
  });
  const reporter = await lab.reporter;
  await reporter.report(jobId, 'started');
  return { jobId, reporter };
}

describe.skipIf(!hasBrowser)('the board in a browser', () => {
  test('shows the jobs, and follows one from question to end', async ({ lab, client }) => {
    const registry = await moveAway(lab, client);
    const { jobId, peer, reporter } = await working(lab, client);
    await client.open();
    const { board } = client;
    const row = board.getByRole('button', { name: jobId });
    await row.getByText('working', { exact: true }).waitFor();
    await board.getByText('1 open · 1 job').waitFor();
    await row.click();
    const detail = board.getByRole('region', { name: 'The selected job' });
    await detail.getByRole('heading', { name: jobId }).waitFor();
    await detail.getByText('Mend the roof').first().waitFor();
    await detail.locator('.screen', { hasText: 'READY>' }).waitFor();
    await detail.locator('.event', { hasText: /delivered.*in [\d.]+ m?s/ }).waitFor();

    await reporter.report(jobId, 'progress', { detail: 'half of the tiles are on' });
    await row.getByText('half of the tiles are on').waitFor();
    await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    await board.getByText('1 open · 1 needs you · 1 job').waitFor();
    await detail.locator('.request', { hasText: 'Slate or tin?' }).waitFor();
    await detail.getByLabel('Your answer').fill('Tin.');
    await detail.getByRole('button', { name: 'Send' }).click();
    await row.getByText('working', { exact: true }).waitFor();
    const answered = () => lab.events(jobId, registry).find(({ type }) => type === 'answered');
    expect((await until('it is answered', answered)).detail).toBe('Tin.');
    expect(await detail.getByRole('textbox').inputValue()).toBe('');
    await peer.gets(2, 2);
    expect(peer.pastes[1]).toContain('The answer to your question "Slate or tin?": Tin.');

    await reporter.report(jobId, 'completed', { detail: 'The roof is whole.' });
    await row.getByText('completed', { exact: true }).waitFor();
    await detail.locator('.event', { hasText: 'The roof is whole.' }).waitFor();
    expect(await detail.getByRole('textbox').count()).toBe(0);
    // A final job with its last screen is not requested again.
    const looks = () => ({ lists: client.count('list_jobs'), logs: client.count('job_logs') });
    let last = looks();
    await until('two looks at the list without one at the job', () => {
      const now = looks();
      if (now.logs !== last.logs) last = now;
      return now.lists >= last.lists + 2;
    });
  });

  test('allows a permission after confirmation, and only the one that was read', async ({ lab, client }) => {
    const { jobId, peer, reporter } = await working(lab, client);
    await lab.tmux('copy-mode', '-t', peer.pane);
    await reporter.report(jobId, 'permission_required', { detail: 'rm the old roof' });
    await client.open();
    const { board } = client;
    await board.getByRole('button', { name: jobId }).click();
    await board.getByRole('button', { name: 'Allow…' }).click();
    const sure = board.getByRole('alertdialog');
    await sure.getByText('Allow this request?').waitFor();
    // The safe choice has the focus, and Escape selects it.
    expect(await sure.getByRole('button', { name: 'Back' }).evaluate(isFocused)).toBe(true);
    await client.page.keyboard.press('Escape');
    await sure.waitFor({ state: 'hidden' });
    expect(await board.getByRole('button', { name: 'Allow…' }).evaluate(isFocused)).toBe(true);
    await client.page.keyboard.press('Enter');
    await sure.waitFor();
    const [first] = lab.record(jobId).requests;
    // While the person reads, the peer continues and asks for something else.
    await reporter.report(jobId, 'permission_required', { detail: 'sell the house' });
    await board.locator('.request', { hasText: 'sell the house' }).waitFor();
    await sure.waitFor({ state: 'hidden' });
    expect(lab.types(jobId)).not.toContain('answered');
    expect(client.count('answer_job')).toBe(0);

    await board.getByRole('button', { name: 'Allow…' }).click();
    await sure.getByRole('button', { name: 'Yes, allow it once' }).click();
    const decided = dataOf(await lab.event(jobId, 'answered'));
    expect(decided).toMatchObject({ decision: 'allow' });
    expect(decided.request_id).not.toBe(first?.request_id);
    await board.getByRole('button', { name: 'Allow…' }).waitFor({ state: 'detached' });
    await board.getByRole('status').getByText(`Job ${jobId}`).waitFor();

    await board.getByRole('button', { name: 'Cancel the job…' }).click();
    await board.getByRole('button', { name: 'Yes, cancel it' }).click();
    await board.getByRole('button', { name: jobId }).getByText('cancelled').waitFor();
    await board.getByRole('button', { name: 'Cancel the job…' }).waitFor({ state: 'hidden' });
  });

  test('lets a person decide again while a decision shows no effect', async ({ lab, client }) => {
    const asks = ['--ask', 'touch roof', '--ask', 'touch roof'];
    const agent = await lab.startAsker('--kind', 'codex', '--silent', ...asks);
    const { job_id: jobId } = await client.server.delegate(agent, { agent: 'codex' });
    await client.server.ask('wait_job', { job_id: jobId });
    await client.open();
    const { board } = client;
    await board.getByRole('button', { name: jobId }).click();
    const refused = client.server.refusal('answer_job', { job_id: jobId, decision: 'allow' });
    await board.getByText('No effect seen yet').waitFor();
    expect(await board.getByRole('button', { name: 'Allow…' }).isVisible()).toBe(true);
    expect(await refused).toContain('still on the screen');
    await client.server.ask('cancel_job', { job_id: jobId });
  });

  test('what it shows changes nothing that the model was shown', async ({ lab, client }) => {
    const { jobId, peer, reporter } = await working(lab, client);
    await lab.tmux('copy-mode', '-t', peer.pane);
    await reporter.report(jobId, 'permission_required', { detail: 'rm the old roof' });
    await client.server.ask('wait_job', { job_id: jobId });
    await client.open();
    await client.board.getByRole('button', { name: jobId }).click();
    await reporter.report(jobId, 'permission_required', { detail: 'sell the house' });
    await client.board.locator('.request', { hasText: 'sell the house' }).waitFor();
    // The model decides about what it has read: that is resolved, so nothing is decided.
    const text = await client.server.refusal('answer_job', { job_id: jobId, decision: 'allow' });
    expect(text).toMatch(/request/);
    expect(lab.types(jobId)).not.toContain('answered');
    await reporter.report(jobId, 'completed');
  });

  test('hostile text is text, on the page as in its answers', async ({ lab, client }) => {
    const { jobId, reporter } = await ofPerson(lab, client);
    await client.open();
    const { board } = client;
    await board.getByRole('button', { name: jobId }).click();
    const image = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    await reporter.report(jobId, 'progress', { detail: `${image}\u001b[31m\u001b]0;owned\u0007 red\u202e` });
    await board.locator('.said', { hasText: `${image} red` }).waitFor();
    await board.locator('.words', { hasText: `${image} red` }).waitFor();
    await reporter.report(jobId, 'question', { detail: `<b>Really</b>? ${image}` });
    await board.locator('.request', { hasText: `<b>Really</b>? ${image}` }).waitFor();
    expect(await board.locator('main img, main script, main b').count()).toBe(0);
    const shown = (await board.locator('main').textContent()) ?? '';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(shown).not.toMatch(/[\u001b\u0007\u202e]/);
    await reporter.report(jobId, 'completed');
  });

  test('uses the colours of its client, and changes with them', async ({ lab, client }) => {
    await ofPerson(lab, client);
    await client.open({ context: { theme: 'light' } });
    const ground = () =>
      client.board.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor);
    expect(await ground()).toBe('rgb(255, 255, 255)');
    await client.change({ theme: 'dark' });
    await until('it is dark', async () => (await ground()) === 'rgb(26, 29, 35)');
    await client.change({
      theme: 'dark',
      styles: { variables: { '--color-background-primary': '#102030' } },
    });
    await until('it has their colour', async () => (await ground()) === 'rgb(16, 32, 48)');
    // It reports its height, and the client makes room.
    const height = () => client.page.locator('iframe').evaluate((frame) => frame.clientHeight);
    await until('it has room', async () => (await height()) > 100);
  });

  test('says when its server is gone, asks ever less, and never while hidden', async ({ lab, client }) => {
    // A server that can be killed.
    client.server = await startServer(lab);
    const { jobId, reporter } = await ofPerson(lab, client);
    await client.open();
    const { board } = client;
    await board.getByRole('button', { name: jobId }).waitFor();
    await until('it looks', () => client.count('list_jobs') > 1);
    // Scrolled away, as a board of an hour ago.
    await client.page.evaluate("document.querySelector('iframe').style.marginTop = '4000px'");
    const seen = await quiet(client);
    await client.page.evaluate("document.querySelector('iframe').style.marginTop = '0'");
    await until('it looks again', () => client.count('list_jobs') > seen);

    client.server.child.kill('SIGKILL');
    const alarm = board.getByRole('alert');
    await alarm.getByText('The server does not answer: MCP server mam has ended.').waitFor();
    await alarm.getByText('Next try in 4 s.').waitFor();
    // What was known stays.
    await board.getByRole('button', { name: jobId }).waitFor();
    await client.end();
    await quiet(client);
    await reporter.report(jobId, 'completed');
  });

  test('without calls it pictures the list; jobs that need someone come first', async ({ lab, client }) => {
    const registry = await moveAway(lab, client);
    const { jobId, reporter } = await ofPerson(lab, client);
    const asking = await ofPerson(lab, client);
    const third = await ofPerson(lab, client);
    await asking.reporter.report(asking.jobId, 'question', { detail: 'Slate?' });
    await until('it asks', () => lab.record(asking.jobId, registry).status === 'input_required');
    await client.open({ calls: false });
    const { board } = client;
    await board.getByRole('alert').getByText('does not pass calls on').waitFor();
    const ids = await board.locator('.job .id').allTextContents();
    expect(ids).toEqual([asking.jobId, third.jobId, jobId]);
    await board.getByRole('button', { name: jobId }).click();
    expect(await board.getByRole('button', { name: 'Cancel the job…' }).count()).toBe(0);
    // The arrow keys move from job to job.
    await client.page.keyboard.press('ArrowUp');
    expect(await board.getByRole('button', { name: third.jobId }).evaluate(isFocused)).toBe(true);
    expect(client.calls).toEqual([]);
    for (const one of [{ jobId, reporter }, asking, third]) await one.reporter.report(one.jobId, 'completed');
  });

  test('shows the jobs that the model asked for, until the user wants all', async ({ lab, client }) => {
    const { jobId, reporter } = await ofPerson(lab, client);
    await client.open({ args: { status: 'failed', mine: true } });
    const { board } = client;
    await board.getByText('Only: failed, of this session').waitFor();
    await until('it looks', () => client.count('list_jobs') > 0);
    expect(client.calls[0]).toEqual({ name: 'list_jobs', args: { status: 'failed', mine: true, limit: 50 } });
    expect(await board.getByRole('button', { name: jobId }).count()).toBe(0);
    await board.getByRole('button', { name: 'Show all' }).click();
    await board.getByRole('button', { name: jobId }).waitFor();
    await reporter.report(jobId, 'completed');
  });
});

/** Waits until the board makes no more calls. @returns how many lists it has asked for */
async function quiet(client: DrawingClient): Promise<number> {
  const LONGER_THAN_A_BEAT_MS = 2_600;
  for (let before = -1; ; ) {
    const now = client.count('list_jobs');
    if (now === before) return now;
    before = now;
    await client.page.waitForTimeout(LONGER_THAN_A_BEAT_MS);
  }
}
