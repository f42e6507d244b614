#!/usr/bin/env node
// Makes a fresh clone ready for its tests: installs the dependencies when they are missing.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (!existsSync('node_modules/vitest')) execFileSync('npm', ['ci'], { stdio: 'inherit' });
