import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import type { Json } from '../support/lab-server.ts';
import { type Outside, test } from '../support/outside.ts';
import { until } from '../support/until.ts';
import { blocks, read } from './markdown.ts';

const PAGE = 'docs/how-to/notifications.md';
/** What an agent may ask, to break a shell, a message of tmux or JSON. */
const FOREIGN = `It's "quoted" $(touch $HOME/p/evil) \`touch $HOME/p/evil\` #(touch $HOME/p/evil) %H \\n <!channel>\n; touch $HOME/p/evil;`;

/** The recipes of the page that contain a word, as they are written. */
function recipes(word: string): string[] {
  const found = blocks(read(PAGE)).filter(({ language, text }) => language === 'json' && text.includes(word));
  if (found.length === 0) throw new Error(`no recipe with ${word}`);
  return found.map(({ text }) => text);
}

/** Has an agent ask `FOREIGN` with a recipe as the user's configuration. @returns the sentence about it */
async function ask(lab: Outside, recipe: string): Promise<string> {
  lab.configure(recipe);
  const server = await lab.startServer();
  const peer = await lab.startPeer('mute');
  const { job_id: id } = await server.delegate(peer);
  await (await lab.reporter).report(id, 'question', { detail: FOREIGN });
  const line = FOREIGN.replace(/\s+/g, ' ').trim();
  return `${id} needs you (question): ${line}`;
}

/** The requests that a local server gets. */
async function listen(lab: Outside): Promise<{ url: string; got: { body: string; headers: Json }[] }> {
  const got: { body: string; headers: Json }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      got.push({ body, headers: request.headers });
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  lab.onEnd(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/topic`, got };
}

const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
const noEvil = (lab: Outside) =>
  expect(lab.run('ls', ['evil']).then(({ code }) => code)).resolves.not.toBe(0);

test('every recipe is tried here', () => {
  const tried = [
    'notify-send',
    'osascript',
    'terminal-notifier',
    'ntfy.sh',
    'slack.com',
    'tmux',
    'bin/mam-event',
  ];
  for (const word of tried) recipes(word);
  const all = blocks(read(PAGE)).filter(({ language }) => language === 'json');
  expect(all.every(({ text }) => tried.some((word) => text.includes(word)))).toBe(true);
});

test('desktop notifications', async ({ lab }) => {
  lab.standIn('notify-send', 'osascript', 'terminal-notifier');
  const [linux = '', onlyNeeds = ''] = recipes('notify-send');
  const sentence = await ask(lab, linux);
  await until('it is shown', () => lab.calls.length === 1);
  expect(lab.calls[0]).toEqual({ name: 'notify-send', args: ['--', sentence] });
  lab.configure(onlyNeeds);
  const [id = ''] = lab.jobIds();
  // The end of it is not shown.
  await (await lab.reporter).report(id, 'completed');
  await lab.mam('hub', 'test-event');
  await until('the test is shown', () => lab.calls.length === 2);
  expect(lab.calls[1]?.args).toEqual(['--', 'mam: this is a test of on_event']);
  for (const name of ['osascript', 'terminal-notifier']) {
    lab.configure(recipes(name)[0] ?? '');
    expect(await lab.mam('hub', 'test-event')).toMatchObject({ code: 0 });
  }
  const [script, notifier] = lab.calls.slice(2);
  expect(script?.args).toEqual([
    ...['-e', 'on run argv', '-e', 'display notification (item 1 of argv) with title "mam"', '-e', 'end run'],
    'mam: this is a test of on_event',
  ]);
  expect(notifier?.args).toEqual(['-title', 'mam', '-message', 'mam: this is a test of on_event']);
  await noEvil(lab);
});

test.skipIf(!has('curl'))('a phone, with ntfy', async ({ lab }) => {
  const { url, got } = await listen(lab);
  const [recipe = ''] = recipes('ntfy.sh');
  const sentence = await ask(lab, recipe.replace('https://ntfy.sh/YOUR-TOPIC', url));
  await until('it arrives', () => got.length === 1);
  expect(got[0]).toMatchObject({ body: sentence, headers: { title: 'mam' } });
  await noEvil(lab);
});

test.skipIf(!has('curl') || !has('jq'))('Slack, with a webhook', async ({ lab }) => {
  const { url, got } = await listen(lab);
  const [recipe = ''] = recipes('slack.com');
  const sentence = await ask(lab, recipe.replace('https://hooks.slack.com/services/YOUR/WEBHOOK', url));
  await until('it arrives', () => got.length === 1);
  const text = { type: 'plain_text', text: sentence };
  expect(JSON.parse(got[0]?.body ?? '')).toEqual({ blocks: [{ type: 'section', text }] });
  expect(got[0]?.headers['content-type']).toBe('application/json');
  await noEvil(lab);
});

test('the status bar of tmux', async ({ lab }) => {
  await lab.startSession('user', 'exec sleep 1000');
  const attach = ['-q', '-c', `tmux -S '${lab.socket}' attach -t =user`, '/dev/null'];
  const env = { ...lab.env, TERM: 'xterm-256color' };
  lab.keep(spawn('script', attach, { env, stdio: ['pipe', 'ignore', 'ignore'] }));
  await until('it is attached', async () => (await lab.tmux('list-clients')).includes('user'));
  const sentence = await ask(lab, recipes('tmux')[0] ?? '');
  const shown = () => lab.tmux('show-messages', '-t', 'user').catch(() => lab.tmux('show-messages'));
  await until('it is shown', async () => (await shown()).includes(`message: ${sentence}`));
  await noEvil(lab);
});

test('a program of your own', async ({ lab }) => {
  const [recipe = ''] = recipes('bin/mam-event');
  lab.standIn('mam-event');
  await ask(lab, recipe.replace('/home/me/bin', `${lab.project}/bin`));
  await until('it is called', () => lab.calls.length === 1);
  expect(lab.calls[0]).toEqual({ name: 'mam-event', args: ['--phone'] });
});
