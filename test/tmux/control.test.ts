import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { TmuxServer } from '../../src/tmux/control.ts';
import { listPanes } from '../../src/tmux/pane.ts';
import { quote } from '../../src/tmux/quote.ts';
import type { PaneSample } from '../../src/tmux/sample.ts';
import { capture } from '../../src/tmux/screen.ts';
import { refusal } from '../../src/tmux/start.ts';
import { isRunning } from '../support/processes.ts';
import { PATIENCE, pause, until } from '../support/until.ts';
import { TmuxLab } from './lab.ts';

const labs: TmuxLab[] = [];
function lab(env?: Record<string, string>): TmuxLab {
  const made = new TmuxLab(env);
  labs.push(made);
  return made;
}
afterEach(async () => {
  for (const one of labs.splice(0)) await one.end();
});

test('answers come in order, many in flight, errors among them', async () => {
  const one = lab();
  await one.startTmux();
  const answers = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) =>
      one.server.command(
        i % 3 === 2 ? 'capture-pane -p -t %99' : `display-message -p a${i} ; display-message -p b${i}`,
      ),
    ),
  );
  for (const [i, answer] of answers.entries()) {
    if (i % 3 !== 2) expect(answer).toMatchObject({ value: [`a${i}`, `b${i}`] });
    else
      expect(answer).toMatchObject({
        reason: { code: 'unavailable', message: expect.stringMatching(/capture-pane.*%99/) },
      });
  }
});

test('a pane full of control lines is captured unchanged', async () => {
  const one = lab();
  const text = '%begin 1 2 1\n%end 1 2 1\n%error 1 2 1\n%exit\n@@1\n%subscription-changed x $0 : y\n';
  await one.startTmux(`printf '${text.replaceAll('%', '%%').replaceAll('\n', '\\n')}'; exec sleep 100000`);
  const { pane } = await one.pane('user');
  await until('the screen shows @@1', async () => (await capture(one.server, pane)).includes('@@1'));
  expect((await capture(one.server, pane)).slice(0, 6).join('\n')).toBe(text.trimEnd());
  expect(await one.server.command('display-message -p still-in-step')).toEqual(['still-in-step']);
});

test('bytes 1 to 255 arrive unchanged', async () => {
  const one = lab();
  await one.startTmux();
  const bytes = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1));
  const unicode = '-x "; $HOME ~ `#{pane_id}` \\ \' \n\r\t 한국어 🙂 %if';
  for (const [name, value] of [
    ['b', bytes],
    ['u', unicode],
  ] as const) {
    const file = path.join(one.project, name);
    await one.server.command(`set-buffer -b ${name} -- ${quote(value)}`);
    await one.server.command(`save-buffer -b ${name} ${quote(file)}`);
    expect(readFileSync(file)).toEqual(Buffer.from(value as Buffer));
    await one.server.command(`delete-buffer -b ${name}`);
  }
});

test('a second line or an empty one is refused', async () => {
  const one = lab();
  await one.startTmux();
  for (const command of ['', '\n', 'list-panes\nkill-server', ' ']) {
    await expect(one.server.command(command)).rejects.toThrow(/one line/);
  }
});

test('no server: not_found, and none is started', async () => {
  const one = lab();
  await expect(one.server.command('list-panes')).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining(one.socket),
    hint: expect.stringContaining('new-session'),
  });
  expect(await one.alive()).toBe(false);
});

test('with a PATH without tmux, its usual place is used', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = '/nonexistent';
  try {
    await expect(new TmuxServer('/tmp/none').command('list-panes')).rejects.toMatchObject({
      message: 'No tmux server is running at /tmp/none.',
    });
  } finally {
    process.env['PATH'] = before;
  }
});

test('no tmux program: unavailable, with the way to install it', () => {
  expect(refusal('/tmp/none', 'ENOENT')).toMatchObject({
    code: 'unavailable',
    hint: expect.stringMatching(/apt-get install tmux.*brew install tmux/),
  });
});

test('callers share one client; two objects have a hidden session each; nothing of them remains', async () => {
  const one = lab();
  await one.startTmux();
  const second = new TmuxServer(one.socket);
  await Promise.all(Array.from({ length: 10 }, () => one.server.command('list-sessions')));
  await Promise.all(Array.from({ length: 10 }, () => second.command('list-sessions')));
  expect((await one.tmux('list-clients')).split('\n')).toHaveLength(2);
  expect(await one.tmux('list-sessions', '-F', '#{session_name}')).toMatch(
    /^_mam-[0-9-]+\n_mam-[0-9-]+\nuser$/,
  );
  expect((await listPanes(second)).map((pane) => pane.session)).toEqual(['user']);
  await one.server.close();
  expect(await second.command('display-message -p here')).toEqual(['here']);
  await second.close();
  await until(
    'the hidden session is gone',
    async () => (await one.tmux('list-sessions', '-F', '#{session_name}')) === 'user',
  );
  await expect(second.command('list-panes')).rejects.toMatchObject({ code: 'unavailable' });
});

test("the user's environment, sizes and options are untouched", async () => {
  const one = lab({ SSH_AUTH_SOCK: '/user/agent', DISPLAY: ':7' });
  await one.startTmux();
  const size = '#{window_width}x#{window_height} #{session_attached}';
  const look = async () => [
    await one.tmux('show-environment', '-t', '=user:'),
    await one.tmux('show-environment', '-g'),
    await one.tmux('show-options', '-t', '=user:'),
    await one.tmux('show-options', '-g'),
    await one.tmux('display-message', '-p', '-t', '=user:', size),
  ];
  const before = await look();
  process.env['SSH_AUTH_SOCK'] = '/hub/agent';
  try {
    await one.server.command('list-panes -a');
    expect(await look()).toEqual(before);
  } finally {
    delete process.env['SSH_AUTH_SOCK'];
  }
  await one.server.close();
  expect(await look()).toEqual(before);
});

test('the server is killed: pending commands are rejected, and the next command finds a new server', async () => {
  const one = lab();
  await one.startTmux();
  const gone: string[] = [];
  one.server.onGone((why) => gone.push(why));
  await one.server.command('list-panes');
  const pid = await one.pid();
  process.kill(pid, 'SIGSTOP');
  const waiting = one.server.command('display-message -p x');
  process.kill(pid, 'SIGKILL');
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await until('the client has ended', () => !isRunning(pid) && !one.server.connected);
  expect(gone.length).toBeGreaterThan(0);
  await expect(one.server.command('list-panes')).rejects.toMatchObject({ code: 'not_found' });
  await one.startTmux();
  expect(await one.server.command('display-message -p back')).toEqual(['back']);
});

test('our hidden session is killed: the next command makes it again', async () => {
  const one = lab();
  await one.startTmux();
  await one.server.command('list-panes');
  const [hidden = ''] = (await one.tmux('list-sessions', '-F', '#{session_name}')).split('\n');
  expect(hidden).toMatch(/^_mam-/);
  await one.tmux('kill-session', '-t', `=${hidden}`);
  await until('the connection is gone', () => !one.server.connected);
  expect(await one.server.command('display-message -p back')).toEqual(['back']);
});

test('our client is killed: the next one removes its hidden session', async () => {
  const one = lab();
  await one.startTmux();
  await one.server.command('list-panes');
  const hidden = async (): Promise<string[]> =>
    (await one.tmux('list-sessions', '-F', '#{session_name}')).split('\n').filter((name) => name !== 'user');
  const [first] = await hidden();
  process.kill(Number(await one.tmux('list-clients', '-F', '#{client_pid}')), 'SIGKILL');
  await until('the connection is gone', () => !one.server.connected);
  expect(await one.server.command('display-message -p back')).toEqual(['back']);
  await until('the first session is gone', async () => !(await hidden()).includes(first ?? ''));
  expect(await hidden()).toHaveLength(1);
});

test("the last of the user's sessions ends: we leave, and the tmux server can end", async () => {
  const one = lab();
  await one.startTmux();
  const pid = await one.pid();
  await one.server.command('list-panes');
  await one.tmux('kill-session', '-t', '=user');
  await until('the process has ended', () => !isRunning(pid));
});

test('the tmux server ends with its last session, even while commands are sent continuously', async () => {
  const one = lab();
  await one.startTmux();
  const pid = await one.pid();
  let asking = true;
  // Always one more before the previous is answered.
  const asked = Array.from({ length: 2 }, async () => {
    while (asking) await one.server.command('list-panes -a').catch(() => {});
  });
  await one.server.command('list-panes');
  await one.tmux('kill-session', '-t', '=user');
  await pause(300);
  asking = false;
  await Promise.all(asked);
  await until('the process has ended', () => !isRunning(pid));
});

test('a session that appears while our client leaves is served by the next client', async () => {
  const one = lab();
  for (let round = 0; round < 40; round++) {
    await one.startSession('home', 'exec sleep 100000');
    await one.server.command('list-panes');
    await one.server.command('kill-session -t =home');
    // The hub checks about now.
    await pause(18 + (round % 8));
    try {
      await one.server.command("new-session -d -s next 'exec sleep 100000'");
    } catch (error) {
      // Then the server has ended, as it should.
      expect(error).toMatchObject({ code: 'not_found' });
      continue;
    }
    await one.server.command('set-option -t =next: @mark 1');
    expect(await one.server.command("display-message -p -t =next: '#{@mark}'")).toEqual(['1']);
    await one.tmux('kill-session', '-t', '=next');
    await until(
      'the server has ended',
      async () => (await one.run('tmux', ['-S', one.socket, 'ls'])).code !== 0,
    );
  }
});

test('a dying pane is reported: immediately if its window closes, by the sample if it stays', async () => {
  const one = lab();
  await one.startTmux();
  let samples: PaneSample[] = [];
  const gone: string[] = [];
  one.server.onPanes((panes) => {
    samples = panes;
  });
  one.server.onGone((why) => gone.push(why));
  await one.server.command('list-panes');
  await one.startSession('short', 'sleep 100000');
  await one.startSession('kept', 'sleep 100000');
  await one.tmux('set-option', '-w', '-t', '=kept:', 'remain-on-exit', 'on');
  const short = await one.pane('short');
  const kept = await one.pane('kept');
  await until('the pane is sampled', () => samples.some((pane) => pane.pane === kept.pane));
  expect(samples.find((pane) => pane.pane === kept.pane)).toMatchObject({
    dead: false,
    pane_pid: kept.pane_pid,
    command: 'sleep',
    window_panes: 1,
  });
  expect(samples).toHaveLength(3);
  gone.length = 0;
  process.kill(short.pane_pid, 'SIGKILL');
  await until('the pane is reported gone', () => gone.some((why) => why.startsWith('%')));
  process.kill(kept.pane_pid, 'SIGKILL');
  await until(
    'the pane is reported dead',
    () => samples.find((pane) => pane.pane === kept.pane)?.dead === true,
  );
});

test('an idle client keeps no process alive', async () => {
  const one = lab();
  await one.startTmux();
  // In one file, which starts faster than TypeScript.
  await build({
    ...{ entryPoints: [fileURLToPath(new URL('../../src/tmux/control.ts', import.meta.url))] },
    ...{ bundle: true, platform: 'node', format: 'esm', outfile: path.join(one.project, 'control.mjs') },
    // Some of what it needs is CommonJS.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  const script = `import { TmuxServer } from './control.mjs'; const s = new TmuxServer('${one.socket}'); s.onPanes(() => {}); console.log((await s.command('display-message -p fine'))[0]);`;
  const file = path.join(one.project, 'idle.mjs');
  writeFileSync(file, script);
  const { stdout } = await execa(process.execPath, [file], { timeout: 8_000 * PATIENCE });
  expect(stdout).toBe('fine');
  await until('the hidden session is gone', async () => !(await one.tmux('list-sessions')).includes('_mam'));
});

test('we come and go among many other clients: the tmux server survives', async () => {
  const one = lab();
  await one.startTmux();
  const pid = await one.pid();
  let going = true;
  const others = Array.from({ length: 2 }, async () => {
    while (going) await one.tmux('list-sessions');
  });
  for (let i = 0; i < 15; i++) {
    const server = new TmuxServer(one.socket);
    await server.command('display-message -p x');
    await server.close();
  }
  going = false;
  await Promise.all(others);
  expect(isRunning(pid)).toBe(true);
  expect(await one.tmux('list-sessions', '-F', '#{session_name}')).toBe('user');
});
