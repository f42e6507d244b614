import { join, resolve } from 'node:path';
import { fieldsOf } from '../base/json.ts';
import { SETTINGS } from '../settings/table.ts';
import type { Client, ConfigFile } from './client.ts';
import { jsonAt, jsonServer, variables } from './entry.ts';
import { jsonConfig } from './json-config.ts';
import { allowedTools, PEER_TOOLS } from './own-tools.ts';
import type { Wish } from './wish.ts';

/** Gemini CLI ends a call after 600 s by default, whatever its progress. */
const TOOL_TIMEOUT_SECONDS = 86_400;
const SERVER = ['mcpServers', 'mam'];
/** `$NAME`, `${NAME}` or `${NAME:-else}`. */
const VARIABLE = /\$(?:(?<bare>\w+)|\{(?<name>[^}]+?)(?::-(?<otherwise>[^}]*))?\})/g;
/** Gemini CLI accepts comments, but does not start with a trailing comma in its settings. */
const DIALECT = { comments: true, trailingCommas: false };

/**
 * The rules are in their own file, because a project's `tools.allowed` would replace the user's, and a project's own
 * policies are not read (0.61.0).
 */
function policy(supervisor: boolean): string {
  const reports = rule('what a peer reports with needs no permission', PEER_TOOLS, 100);
  if (!supervisor) return reports;
  const others = allowedTools(true).filter((tool) => !PEER_TOOLS.includes(tool));
  // The lowest priority: any rule of the user's wins.
  return `${reports}\n${rule('nor does what a supervisor calls (--allow-supervisor)', others, 0)}`;
}

function rule(why: string, tools: string[], priority: number): string {
  return `# Written by mam install: ${why}.
[[rule]]
mcpName = "mam"
toolName = [${tools.map((tool) => `"${tool}"`).join(', ')}]
decision = "allow"
priority = ${priority}
`;
}

/** Gemini CLI 0.61.0. */
export const gemini: Client = {
  title: 'Gemini CLI',
  program: 'gemini',

  allowsNothingInProject: 'Gemini CLI reads no policies from a project, so nothing can be allowed there.',

  files(scope, around, { supervisor = false } = {}) {
    const { home, project, env, command, args } = around;
    const folder =
      scope === 'project' ? join(project, '.gemini') : resolve(env['GEMINI_CLI_HOME'] || home, '.gemini');
    const path = join(folder, 'settings.json');
    const server: Wish = {
      at: SERVER,
      value: {
        command,
        args,
        env: { [SETTINGS.toolTimeoutSeconds.env]: String(TOOL_TIMEOUT_SECONDS) },
        timeout: TOOL_TIMEOUT_SECONDS * 1000,
      },
      remove: `gemini mcp remove mam --scope ${scope}`,
    };
    const expand = variables(VARIABLE, env);
    const settings: ConfigFile = {
      ...jsonConfig(path, [server], DIALECT),
      read: (text) =>
        jsonServer({ path, text, at: SERVER, dialect: DIALECT }, expand, () => ({
          enabled: isEnabled(jsonAt(path, text, ['mcp'], DIALECT)),
        })),
    };
    return scope === 'project'
      ? [settings]
      : [settings, ownFile(join(folder, 'policies', 'mam.toml'), policy(supervisor))];
  },

  next(scope) {
    return [
      'Restart Gemini CLI: it reads its settings when it starts.',
      'It starts no server in a folder that is not trusted: it asks when it starts there.',
      ...(scope === 'project'
        ? [
            "A project can't allow single tools: a peer that you start yourself asks before each report, unless you also run mam install gemini. Sessions from mam start never ask for it.",
          ]
        : []),
      'Check: gemini mcp list',
    ];
  },
};

/** True unless the user's lists of servers keep ours from starting. */
function isEnabled(mcp: unknown): boolean {
  const { allowed, excluded } = fieldsOf(mcp);
  if (Array.isArray(allowed) && !allowed.includes('mam')) return false;
  return !Array.isArray(excluded) || !excluded.includes('mam');
}

/** A file that is all ours; an existing one that differs stays as it is. */
function ownFile(path: string, wanted: string): ConfigFile {
  const kept = (why: string): string[] => [`${path} ${why}: it is left as it is.`];
  return {
    path,
    // The receipt is the text that was written.
    install(text, receipt) {
      if (text === wanted) return { text, receipt, kept: [] };
      if (text === undefined || text === receipt) return { text: wanted, receipt: wanted, kept: [] };
      return { text, receipt, kept: kept('is not what mam install writes') };
    },
    uninstall(text, receipt) {
      if (text === undefined || text === receipt) return { text: undefined, receipt: undefined, kept: [] };
      const why =
        receipt === undefined ? 'was not written by mam install' : 'was changed since mam install wrote it';
      return { text, receipt, kept: kept(why) };
    },
  };
}
