#!/usr/bin/env node
// Runs the benches: `npm run bench -- [NAME…] [--quick] [--json]`. docs/contributing/performance.md says what each row means. Each
// bench is bundled and runs as a separate plain Node process, as small as a real client: on Node 20 a big parent pays
// for each child that it starts. dist/ is copied, so that a concurrent build changes nothing under a running hub.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { table } from './support/table.mjs';

const ORDER = [
  'tools',
  'cold-start',
  'delegate',
  'changes',
  'publish',
  'wait',
  'hosts',
  'scale',
  'command',
  'web',
  'throughput',
  'registry',
  'idle',
  'crash',
  'cuts',
  'memory',
];
/** A bench that takes longer is stuck, in ms. */
const LONGEST_MS = 15 * 60_000;

const words = process.argv.slice(2);
const flags = words.filter((word) => word.startsWith('--'));
const names = words.filter((word) => !word.startsWith('--'));
const unknown = [
  ...names.filter((name) => !ORDER.includes(name)),
  ...flags.filter((flag) => !['--quick', '--json'].includes(flag)),
];
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(' ')}. Benches: ${ORDER.join(', ')}; options: --quick, --json.`);
  process.exit(64);
}
if (!existsSync('dist/main.js')) {
  console.error('dist/ is missing: run `npm run build` first.');
  process.exit(69);
}

const out = resolve(`node_modules/.bench-${process.pid}`);
process.once('exit', () => rmSync(out, { recursive: true, force: true }));
let running;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    // The bench removes its own lab; when it ends, so do we.
    stopped = true;
    running?.kill('SIGTERM');
  });
}
cpSync('dist', join(out, 'dist'), { recursive: true });
await build({
  entryPoints: [
    ...ORDER.map((name) => `bench/${name}.ts`),
    ...readdirSync('bench/programs').map((file) => `bench/programs/${file}`),
  ],
  outdir: out,
  outbase: 'bench',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});

const rows = [];
const failed = [];
for (const name of names.length > 0 ? ORDER.filter((known) => names.includes(known)) : ORDER) {
  if (stopped) break;
  const started = performance.now();
  console.error(`… ${name}`);
  const { code, text } = await run(name);
  if (code === 0) rows.push(...JSON.parse(text).map((row) => ({ bench: name, ...row })));
  else failed.push(name);
  console.error(`  ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
const machine = `${cpus().length} cores, Linux ${release()}, Node ${process.versions.node}, load ${loadavg()
  .map((value) => value.toFixed(1))
  .join(' ')}`;
if (flags.includes('--json')) console.log(JSON.stringify({ machine, rows, failed }, undefined, 2));
else console.log(`${table(rows)}\n${machine}${flags.includes('--quick') ? ', quick' : ''}`);
if (failed.length > 0) {
  console.error(`Failed: ${failed.join(', ')}.`);
  process.exitCode = 1;
}

/** Runs one bench in its own process; its rows arrive as one line of JSON. */
function run(name) {
  return new Promise((done) => {
    const program = join(out, `${basename(name)}.mjs`);
    const child = spawn(process.execPath, [program, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MAM_BENCH_OUT: out },
    });
    running = child;
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    const timer = setTimeout(() => child.kill('SIGTERM'), LONGEST_MS);
    child.once('close', (code) => {
      clearTimeout(timer);
      done({ code, text });
    });
  });
}
