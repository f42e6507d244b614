import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Processes } from '../support/processes.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** A checkout with its own suite; its processes have its folder in the environment. */
let folder: string;
let temporary: string;
let processes: Processes;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mam-rounds-'));
  temporary = join(folder, 'tmp');
  processes = new Processes(folder);
  mkdirSync(temporary);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  configure();
});
afterEach(async () => {
  await until('everything that was started has ended', () => processes.running.length === 0);
  // vitest itself leaves a folder when it is interrupted.
  expect(readdirSync(temporary).filter((name) => name.startsWith('mam-'))).toEqual([]);
  rmSync(folder, { recursive: true });
});

/** @param more settings of vitest; by default one thread runs all, which starts fastest */
function configure(more = "pool: 'threads', maxWorkers: 1, isolate: false"): void {
  const text = `export default { test: { include: ['*.test.mjs'], ${more} } };\n`;
  writeFileSync(join(folder, 'vitest.config.mjs'), text);
}

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), `import { beforeAll, describe, expect, test } from 'vitest';\n${text}`);
}

function flaky(...args: string[]): {
  child: ChildProcess;
  ended: Promise<{ code: number | null; text: string }>;
} {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/flaky.mjs'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], TMPDIR: temporary },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  const ended = new Promise<{ code: number | null; text: string }>((done, fail) => {
    child.once('error', fail).once('close', (code) => done({ code, text }));
  });
  return { child, ended };
}

test('says what failed, how often and why', async () => {
  write(
    'second.test.mjs',
    `import { existsSync, rmSync, writeFileSync } from 'node:fs';
test('always good', () => {});
describe('a group', () => {
  test('fails every second time', () => {
    const seen = existsSync('seen');
    if (seen) rmSync('seen');
    else writeFileSync('seen', '');
    expect(seen).toBe(false);
  });
});
describe('a hook', () => {
  beforeAll(() => { throw new Error('there is no broker'); });
  test('never begins', () => {});
});
`,
  );
  write('lost.test.mjs', "import './nowhere.mjs';\ntest('is not even found', () => {});\n");
  write(
    'late.test.mjs',
    `test('leaves an error', async () => {
  setTimeout(() => { throw new Error('much too late'); });
  await new Promise((resolve) => setTimeout(resolve, 50));
});
`,
  );
  const { code, text } = await flaky('--rounds', '2', '--load', '0').ended;
  expect(text).toMatch(/^2 rounds/);
  expect(
    text.match(/^round \d +\d+\.\d s {2}\d failed$/gm)?.map((line) => line.replace(/ +\S+ s +/, ': ')),
  ).toEqual(['round 1: 3 failed', 'round 2: 4 failed']);
  expect(text).toContain(
    `second.test.mjs > a group > fails every second time: 1 of 2
  1 × AssertionError: expected true to be false // Object.is equality (line 9)
`,
  );
  expect(text).toContain('second.test.mjs > a hook: 2 of 2\n  2 × Error: there is no broker\n');
  expect(text).toMatch(/^lost\.test\.mjs: 2 of 2\n {2}2 × .*nowhere\.mjs/m);
  expect(text).toContain('(the run itself): 2 of 2\n  2 × Error: much too late\n');
  expect(text).not.toContain('always good');
  expect(text).toMatch(/Slowest files.*\n( {2}\d+\.\d s {2}\d+\.\d s {2}\w+\.test\.mjs\n){3}$/);
  expect(code).toBe(1);
});

test('passes the filters to vitest, and succeeds if nothing fails', async () => {
  write('one.test.mjs', "test('good', () => {});\ntest('bad', () => expect(1).toBe(2));\n");
  write('two.test.mjs', "test('good as well', () => { throw new Error('not chosen'); });\n");
  const { code, text } = await flaky('--rounds=1', '--load=0', 'one', '-t', 'good').ended;
  expect(text).toContain('Nothing failed in 1 round.');
  expect(code).toBe(0);
  expect(await flaky('--load=0', 'one', '-t', 'nowhere').ended).toEqual({
    code: 64,
    text: expect.stringContaining('There is no test that one -t nowhere chooses. Pass'),
  });
});

test('a run that does not even start is a failure, with its message', async () => {
  writeFileSync(join(folder, 'vitest.config.mjs'), "throw new Error('no configuration today');\n");
  const { code, text } = await flaky('--rounds=1', '--load=0').ended;
  expect(text).toContain('(the run itself): 1 of 1');
  expect(text).toContain('no configuration today');
  expect(code).toBe(1);
});

test('Ctrl-C ends everything that was started, and reports the rounds so far', async () => {
  // Separate worker processes are what might stay.
  configure("pool: 'forks'");
  write(
    'hang.test.mjs',
    `import { existsSync, writeFileSync } from 'node:fs';
test('hangs in the second round', { timeout: 0 }, async () => {
  if (!existsSync('first')) return writeFileSync('first', '');
  writeFileSync('second', '');
  await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
});
`,
  );
  const { child, ended } = flaky('--rounds', '3', '--load', '1');
  const loops = () => processes.running.filter(({ command }) => command.includes('process.ppid'));
  const loop = await until('the loop runs', () => loops()[0]);
  // It takes no CPU time from the rounds, and is ended anyway.
  process.kill(loop.pid, 'SIGSTOP');
  await until('the second round hangs', () => readdirSync(folder).includes('second'));
  expect(loops()).toEqual([loop]);
  child.kill('SIGINT');
  const { code, text } = await ended;
  expect(text).toMatch(/^3 rounds alongside 1 busy loop\n/);
  expect(code).toBe(130);
  expect(text).toContain('Nothing failed in 1 round.');
});

test.each([
  [['--rounds', '0'], '--rounds is "0". Use a whole number from 1 to 1000.'],
  [['--load', 'much'], '--load is "much". Use a whole number from 0 to 64.'],
  [['--load', '65'], '--load is "65". Use a whole number from 0 to 64.'],
  [['--watch'], "Unknown option '--watch'. Options are: npm run test:flaky -- [--rounds 10]"],
  [['--rounds'], "Option '--rounds <value>' argument missing. Options are: npm run test:flaky"],
])('%s is refused with the next step', async (args, text) => {
  expect(await flaky(...args).ended).toEqual({ code: 64, text: expect.stringContaining(text) });
});
