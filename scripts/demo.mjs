#!/usr/bin/env node
// `npm run demo`: prepares a clone, however fresh it is, and runs `mam demo` with the same arguments.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
// With --json, standard output is reserved for the JSON object.
const say = (text) => (args.includes('--json') ? process.stderr : process.stdout).write(`${text}\n`);

// Ctrl-C reaches the child too, which shuts down properly; this process waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

if (!isRecent(process.versions.node, wanted.replace('>=', ''))) {
  process.stderr.write(`The demo needs Node ${wanted}; this is ${process.versions.node}.\n`);
  process.exit(69);
}
if (!isInstalled()) await step('install', 'npm', ['ci', '--loglevel=error']);
if (!isBuilt()) await step('build', process.execPath, ['scripts/build.mjs']);
process.exitCode = await run(process.execPath, ['dist/main.js', 'demo', ...args], 'inherit').ended;

/** True if node_modules contains what package-lock.json requires. */
function isInstalled() {
  try {
    const lock = readPackages('package-lock.json');
    const there = readPackages('node_modules/.package-lock.json');
    return Object.entries(lock).every(
      ([path, { version, optional }]) => path === '' || optional || there[path]?.version === version,
    );
  } catch {
    return false;
  }
}

function readPackages(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
}

/** True if dist is newer than all of its sources. */
function isBuilt() {
  const program = join(root, 'dist/main.js');
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  const folders = ['src', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  const sources = ['package.json', 'package-lock.json', 'scripts/build.mjs', ...folders];
  return sources.every((source) => statSync(join(root, source)).mtimeMs <= built);
}

function isRecent(version, least) {
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = least.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** Runs a setup step; its output is shown only if it fails. */
async function step(label, command, words) {
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
  process.stderr.write(`${output}\n${label} failed after ${seconds} s: ${[command, ...words].join(' ')}\n`);
  process.exit(code === 130 ? code : 1);
}

/** Starts a program in the clone's folder; `ended` resolves to its exit code as a shell would report it. */
function run(command, words, stdio) {
  const child = spawn(command, words, { cwd: root, stdio });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
  return { child, ended };
}
