import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { claudeCode } from './homes/claude-code.ts';
import { codex } from './homes/codex.ts';
import { gemini } from './homes/gemini.ts';
import type { AgentHome } from './homes/home.ts';
import { opencode } from './homes/opencode.ts';

/** Every agent that the scenarios run with. A new one is a file in `homes/` and a line here. */
export const HOMES: readonly AgentHome[] = [claudeCode, codex, gemini, opencode];

/** Where the agents' programs are installed, beside the project's own dependencies. */
const FOLDER = resolve(import.meta.dirname, '../../.agents');

/** Absolute path of an agent's program. */
export function programOf({ kind, bin }: AgentHome): string {
  return join(FOLDER, kind, bin);
}

/** Installs an agent's program at its pinned version, if it is not there. @throws when npm fails */
export function install({ kind, npm, bin }: AgentHome): void {
  const folder = join(FOLDER, kind);
  const manifest = join(folder, 'node_modules', npm.name, 'package.json');
  const there = existsSync(manifest) && existsSync(join(folder, bin));
  if (there && (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version === npm.version)
    return;
  mkdirSync(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
  execFileSync('npm', [...args, '--loglevel=error', `${npm.name}@${npm.version}`], { stdio: 'inherit' });
}
