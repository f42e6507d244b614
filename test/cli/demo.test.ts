import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectedIn, isNote, jobIdOf, PROMPT, planOf } from '../../src/demo/greeting.ts';
import { readKeys } from '../../src/demo/peer/keyboard.ts';
import { timelineOf } from '../../src/demo/timeline.ts';
import { PROGRAM } from '../support/mcp-client.ts';

/** The demo's temporary folder: every process of the demo has it in its environment. */
let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'mam-dt-'));
});
afterEach(async () => {
  const left = { files: readdirSync(temporary), processes: processes() };
  for (const name of left.files) await demo(['--stop', join(temporary, name)]).ended;
  rmSync(temporary, { recursive: true, force: true });
  expect(left).toEqual({ files: [], processes: [] });
});

interface Run {
  child: ChildProcess;
  out: string;
  /** Resolves once the output holds a text. */
  until(text: string): Promise<void>;
  ended: Promise<{ code: number | null; out: string; err: string }>;
}

function demo(args: string[] = [], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [PROGRAM, 'demo', ...args], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    // A user's own settings must not matter.
    env: {
      PATH: process.env['PATH'],
      HOME: join(temporary, 'none'),
      TMPDIR: temporary,
      MAM_HOME: '/nonexistent/home',
      MAM_BROKER_URL: 'mqtt://127.0.0.1:1',
      MAM_ROLE: 'peer',
      TMUX: '/nonexistent/tmux,1,0',
      TMUX_PANE: '%99',
      TMUX_SERVER_NAME: 'nonexistent',
      ...env,
    },
  });
  let err = '';
  let wake = () => {};
  const run: Run = {
    child,
    out: '',
    until: async (text) => {
      while (!run.out.includes(text)) {
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), closed]);
        if (child.exitCode !== null && !run.out.includes(text))
          throw new Error(`no "${text}": ${run.out}${err}`);
      }
    },
    ended: new Promise((resolve) => {
      child.once('close', (code) => resolve({ code, out: run.out, err }));
    }),
  };
  const closed = run.ended.then(() => {});
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    run.out += text;
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return run;
}

/** The demo's processes by what /proc tells of them: id and command line. */
function processes(): { pid: number; command: string }[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').includes(temporary)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command === '' ? [] : [{ pid: Number(name), command }];
      } catch {
        return [];
      }
    });
}

/** The demo's network namespaces; undefined where it may not make any. */
function networks(): string[] | undefined {
  const list = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  if (list.status !== 0 || process.getuid?.() !== 0) return undefined;
  return list.stdout.split('\n').filter((line) => line.startsWith('mam-demo-'));
}

/** A folder with an `ip` that may do nothing. */
function forbiddenIp(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mam-ip-'));
  writeFileSync(join(folder, 'ip'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  return folder;
}

describe('mam demo', () => {
  test('plays one job from end to end, and leaves nothing behind', async () => {
    const { code, out, err } = await demo().ended;
    expect(err).toBe('');
    expect(code).toBe(0);
    const rows = [...out.matchAll(/^ *(\d+) {2}(\w+) +(\w+)(?: +(.*))?$/gm)];
    const story = rows.map(([, , source, what]) => `${source} ${what}`);
    const inOrder = [
      'supervisor delegate_job',
      'hub queued',
      'hub pasting',
      'hub submitted',
      'peer started',
      'peer progress',
      'peer progress',
      'peer progress',
      'peer completed',
      'hub validated',
      'supervisor wait_job',
    ];
    expect(story.filter((moment) => inOrder.includes(moment)).filter(unlessAnswered)).toEqual(inOrder);
    const times = rows.map(([, ms]) => Number(ms));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBe(0);
    expect(out).toMatch(/receipt .*submitted \d+ ms; peer's server: connected/);
    expect(out).toMatch(
      /validation +PASS {2}greeting\.txt says: Hello from job [a-z0-9]{8}-write-the-file[a-z0-9-]*\n/,
    );
    expect(out).toMatch(/Completed in [\d.]+ s; .* were removed\.\n$/);
    expect(out).not.toContain('\u001b');

    /** The answer of delegate_job may come before or after the peer's first word. */
    function unlessAnswered(moment: string, index: number): boolean {
      return index === 0 || moment !== 'supervisor delegate_job';
    }
  });

  test('prints one JSON object with --json', async () => {
    const { code, out } = await demo(['--json']).ended;
    expect(code).toBe(0);
    const found = JSON.parse(out);
    expect(found).toMatchObject({
      ok: true,
      end: 'completed',
      status: 'completed',
      peer_server: 'connected',
      kept: false,
      file_text: `Hello from job ${found.job_id}\n`,
      validation: { passed: true, exit_code: 0 },
    });
    expect(found.timeline.at(-1)).toMatchObject({ source: 'supervisor', what: 'wait_job' });
  });

  test.each([['in a network of its own'], ['with a home of its own']])(
    '--hosts takes the job to another host, %s, and leaves nothing behind',
    async (where) => {
      const before = networks();
      const mayNot = where.startsWith('with') ? forbiddenIp() : undefined;
      const path = `${mayNot ?? '/nonexistent'}:${process.env['PATH']}`;
      const { code, out, err } = await demo(['--hosts'], { PATH: path }).ended;
      if (mayNot !== undefined) rmSync(mayNot, { recursive: true });
      expect(err).toBe('');
      expect(code).toBe(0);
      if (mayNot !== undefined || before !== undefined) expect(out).toContain(`hostb, ${where}`);
      expect(out).toMatch(/^ *\d+ {2}peer +completed {5}greeting\.txt says: Hello from job /m);
      expect(out).toMatch(/^ *\d+ {2}hub +validated {5}PASS$/m);
      expect(out).toMatch(/Completed in [\d.]+ s; .* were removed\.\n$/);
      expect(networks()).toEqual(before);
    },
  );

  test('--hosts can be kept, and ended by its folder', async () => {
    const before = networks();
    const { code, out } = await demo(['--hosts', '--keep', '--json']).ended;
    const { ok, folder } = JSON.parse(out);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect((await demo(['--stop', folder]).ended).code).toBe(0);
    expect(networks()).toEqual(before);
  });

  test('--keep leaves it running, and --stop ends it', async () => {
    const { code, out } = await demo(['--keep', '--json']).ended;
    expect(code).toBe(0);
    const { folder, attach_command, stop_command, file } = JSON.parse(out);
    expect(attach_command).toBe(`tmux -S ${folder}/tmux.sock attach -t '=peer'`);
    expect(stop_command).toBe(`node ${PROGRAM} demo --stop ${folder}`);
    expect(existsSync(file)).toBe(true);
    const end = await demo(['--stop', folder]).ended;
    expect(end).toMatchObject({ code: 0, err: '' });
    expect(existsSync(folder)).toBe(false);
    const again = await demo(['--stop', folder]).ended;
    expect(again.code).toBe(64);
    expect(again.err).toContain('not the folder of a demo');
  });

  test.each([['folder '], ['hub '], ['peer '], ['waiting ']])(
    'shuts down properly when it is interrupted after "%s"',
    async (line) => {
      const run = demo();
      await run.until(`  ${line}`);
      run.child.kill('SIGINT');
      const { code, out } = await run.ended;
      expect(code).toBe(130);
      expect(out).toMatch(/Interrupted after [\d.]+ s; .* were removed\.\n$/);
    },
  );

  test('ends properly when nobody reads its output any more', async () => {
    const run = demo();
    await run.until('  hub ');
    run.child.stdout?.destroy();
    expect((await run.ended).code).not.toBe(0);
  });

  test.skipIf(process.platform !== 'linux')('says what failed when the peer dies', async () => {
    const run = demo();
    await run.until('  waiting ');
    const peer = processes().find(({ command }) => command.includes(' demo peer '));
    process.kill(peer?.pid ?? 0, 'SIGKILL');
    const { code, out } = await run.ended;
    expect(code).toBe(1);
    expect(out).toContain('The demo failed');
    expect(out).toContain('session_lost');
    expect(out).toMatch(/The end of the hub's log, \S+hub\.log:\n {2}\S+ info hub/);
  });

  test('says how to install tmux if it is missing', async () => {
    const { code, err } = await demo([], { PATH: join(temporary, 'nothing') }).ended;
    expect(code).toBe(69);
    for (const word of ['apt install tmux', 'dnf install tmux', 'brew install tmux'])
      expect(err).toContain(word);
  });

  test('refuses unknown words', async () => {
    expect((await demo(['fast']).ended).code).toBe(64);
    expect((await demo(['--fast']).ended).code).toBe(64);
  });
});

describe("the demo's parts", () => {
  test('the peer reads an order and its own task', () => {
    const order =
      'Job k3f9x2ab-fix was delegated to you: call publish_event with job_id "k3f9x2ab-fix" and …';
    expect(jobIdOf(order)).toBe('k3f9x2ab-fix');
    expect(jobIdOf('hello')).toBeUndefined();
    for (const note of ['Job a-1, for you: x', 'Job a-1: there is something', 'Job a-1 is still open and'])
      expect([jobIdOf(note), isNote(note), isNote(order)]).toEqual(['a-1', true, false]);
    expect(expectedIn('The end of its output: note.txt says blue, expected: green, note abcd2345')).toBe(
      'green',
    );
    expect(expectedIn('x\nexpected "two words", not one')).toBeUndefined();
    expect(expectedIn('expected: "two words"')).toBe('two words');
    expect(planOf(PROMPT, 'a-1')).toEqual({ file: 'greeting.txt', line: 'Hello from job a-1' });
    expect(planOf('Write the file .. with "x"', 'a')).toBeUndefined();
    expect(planOf('Write the file ../x with "x"', 'a')).toBeUndefined();
    expect(planOf('Fix the tests', 'a')).toBeUndefined();
  });

  test('the keyboard reads keys and pastes that come in pieces', () => {
    const log: string[] = [];
    const terminal = new PassThrough();
    readKeys(terminal, {
      text: (text) => log.push(text),
      enter: () => log.push('ENTER'),
      erase: () => log.push('ERASE'),
      clear: () => log.push('CLEAR'),
      quit: () => log.push('QUIT'),
    });
    const input = 'a\u001b[Ab\u001b[200~two\r\nlines\u001b[201~\r\u007f\u0015안\u001bOP\u0003';
    terminal.emit('data', Buffer.from(input));
    const whole = log.splice(0);
    expect(whole).toEqual(['a', 'b', 'two\nlines', 'ENTER', 'ERASE', 'CLEAR', '안', 'QUIT']);
    for (const byte of Buffer.from(input)) terminal.emit('data', Buffer.from([byte]));
    expect(log).toEqual(whole);
  });

  test('the timeline has the calls around the events', () => {
    const at = (ms: number) => new Date(ms).toISOString();
    const event = (type: string, ms: number) => ({ type, source: 'hub', recorded_at: at(ms) });
    const status = { summary: '', status: 'completed', validation: { passed: true }, delivery: [] };
    const timeline = timelineOf(
      { ...status, events: [event('queued', 1003), event('validated', 1009)] },
      { called: 1000, delegated: 1005, waited: 1009 },
      'submitted',
    );
    expect(timeline.map(({ ms, what, detail }) => [ms, what, detail])).toEqual([
      [0, 'delegate_job', 'called'],
      [3, 'queued', undefined],
      [5, 'delegate_job', 'answered: submitted'],
      [9, 'validated', 'PASS'],
      [9, 'wait_job', 'answered: final'],
    ]);
  });
});
