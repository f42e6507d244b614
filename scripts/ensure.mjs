#!/usr/bin/env node
// Prepares a fresh clone for its tests: installs the dependencies if they are missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (!existsSync('node_modules/vitest')) {
  const { status } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
