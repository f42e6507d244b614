#!/usr/bin/env node
// `npm run setup`: installs a checkout, however fresh it is, as the command `mam`, and says what to do next.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { prepare, ROOT, step } from './checkout.mjs';

await prepare();
// Without its scripts: everything is built, and npm asks about the scripts of what it installs globally.
await step('link', 'npm', ['install', '--global', '--ignore-scripts', '--loglevel=error', '.'], { remedy });

const bin = join(output('npm', ['prefix', '--global']), 'bin');
const mam = join(bin, 'mam');
console.log(`\nmam ${output(mam, ['--version'])} is installed: ${mam}`);
const found = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'mam'));
// npm puts the programs of the checkout's packages in front.
const first = found.find((path) => !path.startsWith(ROOT) && existsSync(path));
if (first === undefined) {
  console.log(
    `Its folder is not on your PATH. Add this line to your shell's profile: export PATH="${bin}:$PATH"`,
  );
} else if (realpathSync(first) !== join(realpathSync(ROOT), 'dist/main.js')) {
  console.log(`But your PATH finds another one first: ${first}`);
}
if (output('tmux', ['-V']) === '') console.log('tmux is missing: install it, for example with apt or brew.');
console.log('Next: mam install claude-code   (or codex, gemini, opencode)');

function output(program, words) {
  return spawnSync(program, words, { cwd: ROOT, encoding: 'utf8' }).stdout?.trim() ?? '';
}

function remedy(text) {
  if (!/EACCES|EPERM/.test(text)) return '';
  return 'npm may not write there. Choose a folder of your own, then try again: npm config set prefix ~/.local\n';
}
