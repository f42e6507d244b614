import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
/** Checked by the first part; missing programs would be installed. */
const TOOLS = (
  'tmux git mosquitto mosquitto_pub nats-server rabbitmq-server ssh sshd openssl ' +
  'ip unshare zsh fish chromium curl jq apt-get sudo'
).split(' ');

/** A checkout that has only what `.ci/run` calls, with an npm and an npx that do nothing and fail when told to. */
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mam-ci-'));
  for (const name of ['bin', '.ci', 'scripts', 'tmp']) mkdirSync(join(folder, name));
  cpSync(join(ROOT, '.ci/run'), join(folder, '.ci/run'));
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  writeFileSync(join(folder, 'scripts/try-package.mjs'), 'console.log("noise of the package");\n');
  for (const name of TOOLS) program(name, 'echo version');
  program('git', '[ "$1" != clone ] || mkdir "$4"; echo version');
  program('mam', 'echo installed');
  for (const name of ['npm', 'npx'])
    program(
      name,
      `echo "noise of ${name} $*"\n[[ "${name} $*" != "$FAILS"* ]] || { echo "why it fails" >&2; exit 3; }`,
    );
});
afterEach(() => {
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  rmSync(folder, { recursive: true });
});

function program(name: string, text: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/usr/bin/env bash\n${text}\n`, { mode: 0o755 });
}

/** Runs it so that a command with these first words fails. */
function ci(fails = 'nothing'): { status: number | null; text: string } {
  const PATH = `${join(folder, 'bin')}:${process.env['PATH']}`;
  const { status, stdout, stderr } = spawnSync('bash', [join(folder, '.ci/run')], {
    encoding: 'utf8',
    env: { PATH, TMPDIR: join(folder, 'tmp'), FAILS: fails },
  });
  return { status, text: (stdout + stderr).replace(/ +\d+ s$/gm, ' N s') };
}

test('each part reports its outcome, and a table ends the run', () => {
  const { status, text } = ci();
  expect(text.match(/^-- .*$/gm)).toEqual([
    '-- tools: passed in N s',
    '-- npm ci: passed in N s',
    '-- lint and types: passed in N s',
    '-- npm test: passed in N s',
    '-- npm run test:faults: passed in N s',
    '-- npm run test:brokers: passed in N s',
    '-- npm run test:clients: passed in N s',
    '-- npm run test:agents: passed in N s',
    '-- npm run demo: passed in N s',
    '-- a fresh clone: passed in N s',
    '-- the packed package: passed in N s',
  ]);
  expect(table(text)).toEqual([
    'tools passed N s',
    'npm ci passed N s',
    'lint and types passed N s',
    'npm test passed N s',
    'npm run test:faults passed N s',
    'npm run test:brokers passed N s',
    'npm run test:clients passed N s',
    'npm run test:agents passed N s',
    'npm run demo passed N s',
    'a fresh clone passed N s',
    'the packed package passed N s',
    'total passed N s',
  ]);
  // Parts that pass are quiet, except for the tests, which take long.
  expect(text).toContain('noise of npm test -- --reporter=dot');
  expect(text).not.toMatch(/noise of (npm ci|npm run --silent (check|demo)|npm pack|npx|the package)/);
  expect(status).toBe(0);
});

test('a part that fails stops the run, and its output is shown whole', () => {
  const { status, text } = ci('npm run --silent check');
  expect(text).toContain(
    'noise of npm run --silent check\nwhy it fails\n-- lint and types: failed (exit code 3)',
  );
  expect(text).not.toContain('noise of npm test');
  expect(table(text)).toEqual([
    'tools passed N s',
    'npm ci passed N s',
    'lint and types failed N s',
    'npm test not run',
    'npm run test:faults not run',
    'npm run test:brokers not run',
    'npm run test:clients not run',
    'npm run test:agents not run',
    'npm run demo not run',
    'a fresh clone not run',
    'the packed package not run',
    'total failed N s',
  ]);
  expect(status).toBe(3);
});

test.each([
  ['npm test', 'npm test'],
  ['npm run --silent setup', 'a fresh clone'],
  ['npm pack', 'the packed package'],
  ['npm install', 'the packed package'],
  ['npx', 'the packed package'],
])('%s that fails makes "%s" fail', (fails, part) => {
  const { status, text } = ci(fails);
  expect(text).toContain('why it fails');
  expect(text).toContain(`-- ${part}: failed (exit code 3) after`);
  expect(status).toBe(3);
});

function table(text: string): string[] {
  const [, rows = ''] = text.split('\n== parts\n');
  return rows
    .replace(/why it fails\n/, '')
    .trim()
    .split('\n')
    .map((row) => row.replace(/ +/g, ' '));
}
