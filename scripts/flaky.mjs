#!/usr/bin/env node
// Finds flaky tests: runs the suite many times alongside busy loops, and says which tests failed, how often and why.
// `npm run test:flaky -- --rounds 10 --load 8 [FILE...] [-t NAME]`; FILE and NAME go to vitest.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

const USAGE = 'npm run test:flaky -- [--rounds 10] [--load 8] [FILE...] [-t NAME]';
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
/** A loop ends by itself if this process was killed and can't end it. */
const LOOP = `while (process.ppid === ${process.pid}) for (let n = 0; n < 1e8; n += 1);`;
/** How long vitest may take to end its workers when someone stops us. */
const GRACE_MS = 10_000;
/** How many lines of each failure are shown, and how many failures of each test. */
const LINES = 4;
const REASONS = 5;
const SLOWEST = 5;
const RUN = '(the run itself)';

const { rounds, load, filters } = options(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), 'mam-flaky-'));
const loops = [];
let vitest;
let stopped;

process.on('exit', () => {
  for (const loop of loops) loop.kill('SIGKILL');
  endVitest('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.on(signal, () => {
    // A second signal means that the user does not want to wait.
    if (stopped !== undefined) process.exit(code);
    stopped = code;
    endVitest('SIGINT');
    setTimeout(() => process.exit(code), GRACE_MS).unref();
  });
}

for (let n = 0; n < load; n += 1) {
  loops.push(spawn(process.execPath, ['-e', LOOP], { stdio: 'ignore' }).on('error', fail));
}
console.log(`${count(rounds, 'round')} alongside ${count(load, 'busy loop')}`);

/** What failed: for each test the rounds, and the reasons, of which a round may have several. */
const failed = new Map();
/** The duration of each file in each round, in seconds. */
const files = new Map();
let done = 0;
while (done < rounds && stopped === undefined) {
  const began = performance.now();
  const { code, report, output } = await run();
  if (stopped !== undefined) break;
  const failures = failuresOf(code, report, output);
  if (failures.length === 0 && !report.testResults.some(hasRun)) {
    const wanted = filters.length > 0 ? ` that ${filters.join(' ')} chooses` : '';
    refuse(`There is no test${wanted}.`, 'Pass part of the name of a test file, or with -t of a test.');
  }
  done += 1;
  for (const [test, reason] of failures) {
    if (!failed.has(test)) failed.set(test, { in: new Set(), reasons: [] });
    failed.get(test).in.add(done);
    failed.get(test).reasons.push(reason);
  }
  for (const { name, startTime, endTime } of report.testResults) {
    files.set(here(name), [...(files.get(here(name)) ?? []), (endTime - startTime) / 1000]);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
  const failing = new Set(failures.map(([test]) => test)).size;
  console.log(`round ${`${done}`.padStart(`${rounds}`.length)}  ${seconds} s  ${failing} failed`);
}
summary();
process.exit(stopped ?? (failed.size > 0 ? 1 : 0));

/** Runs the suite once. */
function run() {
  const file = join(folder, 'report.json');
  rmSync(file, { force: true });
  // The report mentions neither a failed hook nor an error outside the tests; the dot reporter prints both.
  const reporters = [
    '--reporter=json',
    `--outputFile.json=${file}`,
    '--reporter=dot',
    '--silent=passed-only',
  ];
  // Into a file rather than a pipe, which processes left behind by a test would hold open.
  const output = join(folder, 'output');
  const to = openSync(output, 'w');
  const args = [VITEST, 'run', ...reporters, ...filters];
  // In a separate process group, so that its workers can be ended with it.
  vitest = spawn(process.execPath, args, { stdio: ['ignore', to, to], detached: true });
  closeSync(to);
  return new Promise((resolve) => {
    vitest.once('error', fail).once('exit', (code) => {
      vitest = undefined;
      resolve({
        code,
        report: readReport(file),
        output: stripVTControlCharacters(readFileSync(output, 'utf8')),
      });
    });
  });
}

/** Ends vitest with its workers, as Ctrl-C in a terminal does. */
function endVitest(signal) {
  try {
    if (vitest?.pid !== undefined) process.kill(-vitest.pid, signal);
  } catch {
    // It has just ended.
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { testResults: [] };
  }
}

/** @returns pairs of a test's name and why it failed; a file that can't be loaded, and the run itself, count as tests */
function failuresOf(code, { testResults }, output) {
  const failures = [];
  for (const { name, status, message, assertionResults } of testResults) {
    const file = here(name);
    const bad = assertionResults.filter((test) => test.status === 'failed');
    for (const { ancestorTitles, title, failureMessages } of bad) {
      failures.push([
        [file, ...ancestorTitles, title].join(' > '),
        firstLines(failureMessages.join('\n'), name),
      ]);
    }
    const hooks = [...output.matchAll(/^ FAIL {2}(.*)\n(.*)/gm)].filter(
      ([, test]) =>
        test.startsWith(`${file} > `) &&
        !bad.some(({ ancestorTitles, title }) => test === [file, ...ancestorTitles, title].join(' > ')),
    );
    for (const [, test, reason] of hooks) failures.push([test, reason]);
    if (status === 'failed' && bad.length === 0 && hooks.length === 0) {
      failures.push([file, firstLines(message || 'failed without a message', name)]);
    }
  }
  for (const [, reason] of output.matchAll(/^⎯+ (?:Uncaught|Unhandled) (?!Errors).*⎯\n(.*)/gm)) {
    failures.push([RUN, reason]);
  }
  if (code !== 0 && failures.length === 0 && !output.includes('No test files found')) {
    failures.push([RUN, lastLines(output) || `vitest ended with ${code} without a message`]);
  }
  return failures;
}

/** The first lines of a failure, before its stack, and where in the test's file it was. */
function firstLines(text, file) {
  const lines = stripVTControlCharacters(text).split('\n');
  const stack = lines.findIndex((line) => /^ +at /.test(line));
  const words = lines.slice(0, stack < 0 ? undefined : stack).filter((line) => line.trim() !== '');
  const where = lines.map((line) => line.split(`${file}:`)[1]).find((rest) => rest !== undefined);
  const place = where === undefined ? '' : ` (line ${Number.parseInt(where, 10)})`;
  return words.slice(0, LINES).join('\n') + place;
}

function lastLines(text) {
  const words = text.split('\n').filter((line) => line.trim() !== '' && !/^ +at /.test(line));
  return words.slice(-LINES).join('\n');
}

function summary() {
  if (done === 0) return;
  console.log(failed.size === 0 ? `\nNothing failed in ${count(done, 'round')}.` : '\nFailed:');
  const often = [...failed].sort(([, a], [, b]) => b.in.size - a.in.size);
  for (const [test, { in: failedIn, reasons }] of often) {
    console.log(`\n${test}: ${failedIn.size} of ${done}`);
    const alike = new Map();
    for (const reason of reasons)
      alike.set(likeness(reason), [...(alike.get(likeness(reason)) ?? []), reason]);
    const distinct = [...alike.values()].sort((a, b) => b.length - a.length);
    for (const same of distinct.slice(0, REASONS)) {
      console.log(`  ${same.length} × ${same[0].replaceAll('\n', '\n      ')}`);
    }
    if (distinct.length > REASONS) console.log(`  and ${distinct.length - REASONS} other reasons`);
  }
  const slow = [...files].sort(([, a], [, b]) => Math.max(...b) - Math.max(...a)).slice(0, SLOWEST);
  if (slow.length > 0) console.log('\nSlowest files, maximum and median:');
  for (const [file, seconds] of slow) {
    const middle = seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)];
    console.log(`  ${Math.max(...seconds).toFixed(1)} s  ${middle.toFixed(1)} s  ${file}`);
  }
}

/** The same failure contains a different temporary folder, process id or time each time. */
function likeness(reason) {
  return reason.replace(/-[A-Za-z0-9]{6}\b|\d{4,}/g, '…');
}

function hasRun({ assertionResults }) {
  return assertionResults.some(({ status }) => status === 'passed' || status === 'failed');
}

function here(file) {
  return relative(process.cwd(), file);
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function options(args) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '10' },
        load: { type: 'string', default: '8' },
        testNamePattern: { type: 'string', short: 't' },
      },
    });
  } catch (error) {
    refuse(`${error.message.split(/\.\s/)[0].replace(/\.$/, '')}.`, `Options are: ${USAGE}`);
  }
  const { values, positionals } = parsed;
  const pattern = values.testNamePattern;
  return {
    rounds: whole('rounds', values.rounds, 1, 1000),
    load: whole('load', values.load, 0, 64),
    filters: [...positionals, ...(pattern === undefined ? [] : ['-t', pattern])],
  };
}

function whole(name, text, least, most) {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  return refuse(`--${name} is "${text}".`, `Use a whole number from ${least} to ${most}.`);
}

function refuse(what, next) {
  console.error(`${what} ${next}`);
  process.exit(64);
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}
