import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nearest } from '../../src/base/nearest.ts';
import { claudeCode } from './homes/claude-code.ts';
import { codex } from './homes/codex.ts';
import { gemini } from './homes/gemini.ts';
import type { AgentHome } from './homes/home.ts';
import { opencode } from './homes/opencode.ts';

/** All agents that have scenarios. To add one, add a file in `homes/` and a line here. */
const ALL: readonly AgentHome[] = [claudeCode, codex, gemini, opencode];

/** The agents that the scenarios run with: those in `TEST_AGENTS` (`KIND[@VERSION]`, blank-separated), otherwise all. */
export const HOMES: readonly AgentHome[] = chosen((process.env['TEST_AGENTS'] ?? '').split(' '));

/** Where the agents' programs are installed, next to the project's own dependencies. */
const FOLDER = resolve(import.meta.dirname, '../../.agents');

/** The home of one kind, for scenarios that only that kind has. @throws if it was not chosen */
export function homeOf(kind: string): AgentHome {
  const home = HOMES.find((one) => one.kind === kind);
  if (home === undefined) throw new Error(`The agent ${kind} was not chosen.`);
  return home;
}

/** The agents that words such as `codex` and `codex@0.169.0` name; all for no word. @throws on an unknown one */
export function chosen(words: readonly string[]): readonly AgentHome[] {
  const named = words.filter(Boolean).map(homeFor);
  const kinds = named.map(({ kind }) => kind);
  const twice = kinds.find((kind, n) => kinds.indexOf(kind) !== n);
  if (twice !== undefined)
    throw new Error(`The agent ${twice} is named twice: run its versions one after the other.`);
  return named.length > 0 ? named : ALL;
}

function homeFor(word: string): AgentHome {
  const [kind = '', version] = word.split(/@(.*)/s);
  const kinds = ALL.map((one) => one.kind);
  const home = ALL.find((one) => one.kind === kind);
  if (home === undefined) {
    const meant = nearest(kind, kinds);
    const hint = meant === undefined ? '' : ` Was ${meant} meant?`;
    throw new Error(
      `There are no scenarios for an agent "${kind}".${hint} Choose among ${kinds.join(', ')}.`,
    );
  }
  if (version === undefined) return home;
  if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) {
    const next = `Give the whole number, such as ${kind}@${home.npm.version}; ${newest(home)}.`;
    throw new Error(`"${version}" is not a version of ${kind}. ${next}`);
  }
  return { ...home, npm: { ...home.npm, version } };
}

/** Absolute path of an agent's program. */
export function programOf(home: AgentHome): string {
  return join(folderOf(home), home.bin);
}

/** Installs an agent's program at its version, if it is missing. @throws with the next step if that fails */
export function install(home: AgentHome): void {
  const { kind, npm } = home;
  const folder = folderOf(home);
  const manifest = join(folder, 'node_modules', npm.name, 'package.json');
  const there = existsSync(manifest) && existsSync(programOf(home));
  if (there && (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version === npm.version)
    return;
  const args = ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
  try {
    execFileSync('npm', [...args, '--loglevel=error', `${npm.name}@${npm.version}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
    if (!there) rmSync(folder, { recursive: true, force: true });
    if (/\b(ETARGET|E404|notarget)\b/i.test(said))
      throw new Error(`npm has no version ${npm.version} of ${kind} (${npm.name}); ${newest(home)}.`);
    const next = 'Run it again when the npm registry can be reached';
    throw new Error(`npm could not install ${npm.name}@${npm.version}. ${next}; it says:\n${said}`);
  }
}

/** A version that is only tried is installed next to the pinned one, which need not be installed again afterwards. */
function folderOf({ kind, npm }: AgentHome): string {
  const pinned = ALL.some((one) => one.kind === kind && one.npm.version === npm.version);
  return join(FOLDER, pinned ? kind : `${kind}@${npm.version}`);
}

function newest({ npm }: AgentHome): string {
  return `\`npm view ${npm.name} version\` tells the newest, \`npm view ${npm.name} versions\` all`;
}
