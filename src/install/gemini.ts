import { join, resolve } from 'node:path';
import { isObject } from '../base/json.ts';
import { SETTINGS } from '../settings/table.ts';
import type { Client, ConfigFile, Scope, ServerEntry, Surroundings } from './client.ts';
import { type Expand, jsonAt, secondsOf, serverEntry, variables } from './entry.ts';
import { jsonConfig } from './json-config.ts';
import { ownFile } from './own-file.ts';
import type { Wish } from './wish.ts';

/** Gemini CLI ends a call after 600 s, whatever its progress, unless it is told otherwise. */
const TOOL_TIMEOUT_SECONDS = 86_400;
const SERVER = ['mcpServers', 'mam'];
/** `$NAME`, `${NAME}` or `${NAME:-else}`. */
const VARIABLE = /\$(?:(?<bare>\w+)|\{(?<name>[^}]+?)(?::-(?<otherwise>[^}]*))?\})/g;
/** Gemini CLI ends at its start with a settings file that has a comma too many, and takes comments. */
const DIALECT = { comments: true, trailingCommas: false };

/**
 * What a peer calls: its report must not wait for a person. It stands in a file of its own, because a project's
 * `tools.allowed` would replace the user's, and a project's own policies are not read (0.61.0).
 */
const POLICY = `# Written by mam install: what a peer reports with needs no permission.
[[rule]]
mcpName = "mam"
toolName = ["publish_event", "job_status"]
decision = "allow"
priority = 100
`;

/** Gemini CLI 0.61.0. */
export const gemini: Client = {
  title: 'Gemini CLI',
  program: 'gemini',

  files(scope, around) {
    const { command, args } = around;
    const folder = folderOf(scope, around);
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
    const settings: ConfigFile = {
      ...jsonConfig(path, [server], DIALECT),
      read: (text) => read(path, text, variables(VARIABLE, around.env)),
    };
    return scope === 'project'
      ? [settings]
      : [settings, ownFile(join(folder, 'policies', 'mam.toml'), POLICY)];
  },

  next(scope) {
    return [
      'Restart Gemini CLI: it reads its settings when it starts.',
      'It starts no server in a folder that is not trusted: it asks when it starts there.',
      ...(scope === 'project'
        ? [
            'A project can allow no single tools: a peer that you start yourself asks before each report, unless you also run mam install gemini. Sessions from mam start never ask for it.',
          ]
        : []),
      'Check: gemini mcp list',
    ];
  },
};

function folderOf(scope: Scope, { home, project, env }: Surroundings): string {
  return scope === 'project' ? join(project, '.gemini') : resolve(env['GEMINI_CLI_HOME'] || home, '.gemini');
}

function read(path: string, text: string | undefined, expand: Expand): ServerEntry | undefined {
  const entry = jsonAt(path, text, SERVER, DIALECT);
  if (entry === undefined) return undefined;
  const { command, args, env, timeout } = isObject(entry) ? entry : {};
  const { allowed, excluded } = listsOf(jsonAt(path, text, ['mcp'], DIALECT));
  const enabled = (allowed?.includes('mam') ?? true) && !excluded?.includes('mam');
  const said = { command, args, env, timeout_seconds: secondsOf(timeout), enabled };
  return serverEntry(`${SERVER.join('.')} in ${path}`, said, expand);
}

/** The servers that the user lets start; undefined where he says nothing. */
function listsOf(mcp: unknown): { allowed?: unknown[]; excluded?: unknown[] } {
  const { allowed, excluded } = isObject(mcp) ? mcp : {};
  return { ...(Array.isArray(allowed) && { allowed }), ...(Array.isArray(excluded) && { excluded }) };
}
