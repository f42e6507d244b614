import { join, resolve } from 'node:path';
import { SETTINGS } from '../settings/table.ts';
import type { Client, Scope, Surroundings } from './client.ts';
import { jsonServer, variables } from './entry.ts';
import { jsonConfig } from './json-config.ts';
import { allowedTools } from './own-tools.ts';
import type { Wish } from './wish.ts';

/** One call may last a day, in ms; `wait_job` answers long before that. */
const TIMEOUT_MS = 86_400_000;
const SERVER = ['mcpServers', 'mam'];
/** `${NAME}` or `${NAME:-else}`. */
const VARIABLE = /\$\{(?<name>[^}:]+)(?::-(?<otherwise>[^}]*))?\}/g;
/** Rules that allow all our tools. */
const ALL_ALLOWED = ['mcp__mam', 'mcp__mam__*'];
/** Claude Code refuses comments in all of its files: it silently ignores such a settings file. */
const STRICT = { comments: false, trailingCommas: false };

/** Claude Code 2.1.332. */
export const claudeCode: Client = {
  title: 'Claude Code',
  program: 'claude',

  channel:
    'Start it with claude --dangerously-load-development-channels server:mam, and confirm: otherwise it drops everything that comes over the channel.',

  files(scope, around, { channel = false, supervisor = false } = {}) {
    const { command, args } = around;
    const server: Wish = {
      at: SERVER,
      value: {
        type: 'stdio',
        command,
        args,
        ...(channel && { env: { [SETTINGS.channel.env]: '1' } }),
        timeout: TIMEOUT_MS,
      },
      remove: `claude mcp remove mam --scope ${scope}`,
    };
    const rules: Wish = {
      at: ['permissions', 'allow'],
      words: allowedTools(supervisor).map((tool) => `mcp__mam__${tool}`),
      unless: ALL_ALLOWED,
      weakerThan: [
        ['permissions', 'deny'],
        ['permissions', 'ask'],
      ],
    };
    const expand = variables(VARIABLE, around.env);
    const [serverFile, settingsFile] = paths(scope, around);
    const place = { path: serverFile, at: SERVER, dialect: STRICT };
    return [
      {
        ...jsonConfig(serverFile, [server], STRICT),
        read: (text) => jsonServer({ ...place, text }, expand),
      },
      jsonConfig(settingsFile, [rules], STRICT),
    ];
  },

  next(scope) {
    return [
      'Restart Claude Code: a running session does not see a new server.',
      ...(scope === 'project'
        ? [
            "Claude Code asks once whether this project's .mcp.json may be used; its preselected answer is no.",
          ]
        : []),
      'Check: claude mcp list',
    ];
  },
};

/** The file with the servers, and the one with the permissions. */
function paths(scope: Scope, { home, project, env, isFile }: Surroundings): [string, string] {
  if (scope === 'project') return [join(project, '.mcp.json'), join(project, '.claude', 'settings.json')];
  const configDir = env['CLAUDE_CONFIG_DIR'];
  const folder = resolve(configDir || join(home, '.claude'));
  // If this old file exists, Claude Code reads no other.
  const old = join(folder, '.config.json');
  return [isFile(old) ? old : resolve(configDir || home, '.claude.json'), join(folder, 'settings.json')];
}
