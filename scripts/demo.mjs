#!/usr/bin/env node
// `npm run demo`: prepares a checkout, however fresh it is, and runs `mam demo` with the same arguments.
import { prepare, run } from './checkout.mjs';

const args = process.argv.slice(2);

// Ctrl-C reaches the child too, which shuts down properly; this process waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

// With --json, standard output is reserved for the JSON object.
await prepare((text) => (args.includes('--json') ? process.stderr : process.stdout).write(`${text}\n`));
process.exitCode = await run(process.execPath, ['dist/main.js', 'demo', ...args], 'inherit').ended;
