import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fieldsOf, isObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { parseJson } from '../install/json-text.ts';
import { parseToml } from '../install/toml-text.ts';
import { readForeign } from '../trust/files.ts';
import type { Check, Place } from './check.ts';
import { type Found, problem } from './finding.ts';

type Values = Record<string, unknown>;

/** An agent, and the files in which its hooks may be switched off. */
interface Source {
  agent: string;
  title: string;
  paths: string[];
  read(path: string, text: string): unknown;
  /** The setting that switches them off; undefined if none does. */
  off(values: Values): string | undefined;
}

const json = (path: string, text: string): unknown =>
  parseJson(path, text, { comments: true, trailingCommas: true }).value;

/** Whether agents that are started here run the hooks that report permission requests and the ends of turns. */
export const hooks: Check = {
  name: 'hooks',
  area: 'agents',
  limitMs: 3_000,

  async look(place) {
    return [...sourcesOf(place).flatMap(healthOf), ...pure(place)];
  },
};

function sourcesOf({ around: { home, project, env } }: Place): Source[] {
  const claude = resolve(env['CLAUDE_CONFIG_DIR'] || join(home, '.claude'));
  const codex = resolve(env['CODEX_HOME'] || join(home, '.codex'));
  const gemini = resolve(env['GEMINI_CLI_HOME'] || home, '.gemini');
  return [
    {
      ...{ agent: 'claude-code', title: 'Claude Code', read: json, off: claudeOff },
      paths: [
        join(claude, 'settings.json'),
        join(project, '.claude', 'settings.json'),
        join(project, '.claude', 'settings.local.json'),
        '/etc/claude-code/managed-settings.json',
      ],
    },
    {
      ...{ agent: 'codex', title: 'Codex', read: parseToml, off: codexOff },
      paths: [
        join(codex, 'config.toml'),
        join(project, '.codex', 'config.toml'),
        '/etc/codex/requirements.toml',
      ],
    },
    {
      ...{ agent: 'gemini', title: 'Gemini CLI', read: json, off: geminiOff },
      paths: [
        join(gemini, 'settings.json'),
        join(project, '.gemini', 'settings.json'),
        '/etc/gemini-cli/settings.json',
      ],
    },
  ];
}

/** Claude Code 2.1.332. */
function claudeOff(values: Values): string | undefined {
  return ['disableAllHooks', 'allowManagedHooksOnly'].find((name) => values[name] === true);
}

/** Codex 0.171.0, and its earlier name for this. */
function codexOff(values: Values): string | undefined {
  const features = fieldsOf(values['features']);
  const name = ['hooks', 'codex_hooks'].find((one) => features[one] === false);
  if (name !== undefined) return `features.${name} = false`;
  return values['allow_managed_hooks_only'] === true ? 'allow_managed_hooks_only' : undefined;
}

/** Gemini CLI 0.61.0, and its earlier names for this. */
function geminiOff(values: Values): string | undefined {
  for (const name of ['hooksConfig', 'hooks']) {
    const { enabled, disabled } = fieldsOf(values[name]);
    if (enabled === false) return `${name}.enabled: false`;
    if (Array.isArray(disabled) && disabled.includes('mam')) return `"mam" in ${name}.disabled`;
  }
  return fieldsOf(values['tools'])['enableHooks'] === false ? 'tools.enableHooks: false' : undefined;
}

function healthOf({ agent, title, paths, read, off }: Source): Found[] {
  return [...new Set(paths)].flatMap((path) => {
    // Nothing if it is missing or can't be read: the check of its client reports that.
    const values = orElse(() => read(path, readForeign(realpathSync(path))), undefined);
    const setting = isObject(values) ? off(values) : undefined;
    return setting === undefined ? [] : switchedOff(agent, title, `${setting} in ${path}`);
  });
}

/** OpenCode has its hooks in a plugin, and loads none with this variable. */
function pure({ env }: Place): Found[] {
  const name = 'OPENCODE_PURE';
  const value = env[name]?.toLowerCase();
  return value === '1' || value === 'true'
    ? [switchedOff('opencode', 'OpenCode', `${name}=${value} in the environment`)]
    : [];
}

function switchedOff(agent: string, title: string, by: string): Found {
  const remedy =
    'Remove that, so that permission requests and the ends of turns are reported at once and a decision reaches the agent without a key press. Without hooks mam relies on the screen alone.';
  return problem(`agent.${agent}.hooks`, `${title} runs no hooks: ${by}.`, remedy);
}
