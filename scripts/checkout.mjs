// Makes a checkout ready to run, however fresh it is.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Installs the dependencies and builds dist/, unless that has been done. Ends the process if Node is too old.
 * @param say gets a line for each step that was needed
 */
export async function prepare(say = console.log) {
  const wanted = readJson('package.json').engines.node;
  if (!isRecent(process.versions.node, wanted.replace('>=', ''))) {
    process.stderr.write(`mam needs Node ${wanted}; this is ${process.versions.node}.\n`);
    process.exit(69);
  }
  if (!isInstalled()) await step('install', 'npm', ['ci', '--loglevel=error'], { say });
  if (!isBuilt()) await step('build', process.execPath, ['scripts/build.mjs'], { say });
}

/**
 * Runs a step; its output is shown only if it fails, which ends the process.
 * @param remedy what to do about a known failure, made from the output
 */
export async function step(label, command, words, { say = console.log, remedy = () => '' } = {}) {
  const began = performance.now();
  const { child, ended } = run(command, words, ['ignore', 'pipe', 'pipe']);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const code = await ended;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (code === 0) return say(`${label.padEnd(8)} ${seconds} s`);
  const what = `${label} failed after ${seconds} s: ${[command, ...words].join(' ')}`;
  process.stderr.write(`${output}\n${what}\n${remedy(output)}`);
  process.exit(code === 130 ? code : 1);
}

/** Starts a program in the checkout's folder; `ended` resolves to its exit code as a shell would report it. */
export function run(command, words, stdio) {
  const child = spawn(command, words, { cwd: ROOT, stdio });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
  return { child, ended };
}

/** True if node_modules contains what package-lock.json requires. */
export function isInstalled() {
  try {
    const lock = readJson('package-lock.json').packages;
    const there = readJson('node_modules/.package-lock.json').packages;
    return Object.entries(lock).every(
      ([path, { version, optional }]) => path === '' || optional || there[path]?.version === version,
    );
  } catch {
    return false;
  }
}

/** True if dist is newer than all of its sources. */
export function isBuilt() {
  const program = join(ROOT, 'dist/main.js');
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  const folders = ['src', 'tools'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  const sources = ['package.json', 'package-lock.json', 'scripts/build.mjs', ...folders];
  return sources.every((source) => statSync(join(ROOT, source)).mtimeMs <= built);
}

function isRecent(version, least) {
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = least.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function readJson(file) {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
}
