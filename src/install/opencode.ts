import { join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import { SETTINGS } from '../settings/table.ts';
import type { Client, ConfigFile } from './client.ts';
import { jsonServer, variables } from './entry.ts';
import { jsonConfig } from './json-config.ts';
import type { Json } from './json-text.ts';
import { allowedTools, PEER_TOOLS } from './own-tools.ts';
import type { Wish } from './wish.ts';

/** OpenCode ends a call after 60 s without progress by default. */
const TOOL_TIMEOUT_SECONDS = 86_400;
const SERVER = ['mcp', 'mam'];
const VARIABLE = /\{env:(?<name>[^}]+)\}/g;
const JSONC = { comments: true, trailingCommas: true };
/** OpenCode writes this line into every file that has none. */
const BLANK = '{\n  "$schema": "https://opencode.ai/config.json"\n}\n';
/** In the order in which they are read; the last one wins. */
const USER_FILES = ['config.json', 'opencode.json', 'opencode.jsonc'];
const PROJECT_FILES = [
  'opencode.json',
  'opencode.jsonc',
  '.opencode/opencode.json',
  '.opencode/opencode.jsonc',
];
const NEW_FILE = 'opencode.json';

/** OpenCode 1.18.33. It reads what OPENCODE_CONFIG and OPENCODE_CONFIG_DIR name as well. */
export const opencode: Client = {
  title: 'OpenCode',
  program: 'opencode',

  files(scope, around, { supervisor = false } = {}) {
    const { home, project, env, command, args, isFile } = around;
    const own = resolve(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'opencode');
    const folder = scope === 'project' ? project : own;
    const paths = (scope === 'project' ? PROJECT_FILES : USER_FILES).map((name) => join(folder, name));
    const there = paths.filter(isFile);
    const chosen = there.at(-1) ?? join(folder, NEW_FILE);
    const server: Wish = {
      at: SERVER,
      value: {
        type: 'local',
        command: [command, ...args],
        enabled: true,
        environment: { [SETTINGS.toolTimeoutSeconds.env]: String(TOOL_TIMEOUT_SECONDS) },
        timeout: TOOL_TIMEOUT_SECONDS * 1000,
      },
      remove: `delete ${SERVER.join('.')} there`,
    };
    const expand = variables(VARIABLE, env, '');
    const file = (path: string): ConfigFile => ({
      ...jsonConfig(
        path,
        [server, ...allowedTools(supervisor).map((tool) => allowance(path, tool))],
        JSONC,
        BLANK,
      ),
      read: (text) =>
        jsonServer({ path, text, at: SERVER, dialect: JSONC }, expand, ({ command: words, ...entry }) => {
          const [program, ...rest] = Array.isArray(words) ? words : [];
          return { command: program, args: rest, env: entry['environment'], enabled: entry['enabled'] };
        }),
    });
    return [
      file(chosen),
      ...there.filter((path) => path !== chosen).map((path) => withoutOurs(file(path), chosen)),
    ];
  },

  next() {
    return ['Restart OpenCode: it reads its configuration when it starts.', 'Check: opencode mcp list'];
  },
};

/** A file that OpenCode merges with the chosen one, so our entry moves out of it. */
function withoutOurs(file: ConfigFile, chosen: string): ConfigFile {
  return {
    ...file,
    install(text, receipt) {
      const edited = file.uninstall(text, receipt);
      if (edited.lost === undefined) return edited;
      throw new MamError(
        'refused',
        `${file.path} has what you added to ${SERVER.join('.')} (${edited.lost.join(', ')}), and mam moves to ${chosen}, which OpenCode reads after it: nothing was changed.`,
        `Remove that from ${file.path}, run this again, then add it to ${chosen}.`,
      );
    },
  };
}

function allowance(path: string, name: string): Wish {
  const tool = `mam_${name}`;
  const effect = PEER_TOOLS.includes(name)
    ? `A peer that you start yourself may ask before it calls ${tool}.`
    : 'OpenCode may ask before it calls the tools of a supervisor.';
  const left = (why: string): string => `permission in ${path} ${why}: it is left as it is. ${effect}`;
  return {
    at: ['permission', tool],
    value: 'allow',
    unless(root) {
      const said = isObject(root) ? root['permission'] : undefined;
      if (said === undefined) return undefined;
      if (said === 'allow') return '';
      if (!isObject(said)) return left('is one word for all tools');
      // The last matching rule wins.
      const [pattern, decision] = Object.entries(said).findLast(([key]) => fits(key, tool)) ?? [];
      if (isAllow(decision)) return '';
      // A rule for all tools is not meant for ours; a rule for ours is.
      const own = pattern !== undefined && (pattern !== '*' || tool in said);
      return own ? left(`says otherwise (${pattern})`) : undefined;
    },
  };
}

function isAllow(decision: Json | undefined): boolean {
  return (
    decision === 'allow' || (isObject(decision) && Object.values(decision).every((one) => one === 'allow'))
  );
}

/** OpenCode's own wildcards: `*` is any text, `?` one character. */
function fits(pattern: string, tool: string): boolean {
  const literal = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(tool);
}
