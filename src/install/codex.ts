import { join, resolve } from 'node:path';
import { fieldsOf } from '../base/json.ts';
import { ALL_SETTINGS, namesOf, SETTINGS } from '../settings/table.ts';
import type { Client, ServerEntry } from './client.ts';
import { serverEntry } from './entry.ts';
import { allowedTools } from './own-tools.ts';
import { tomlConfig } from './toml-config.ts';
import { tableOf } from './toml-table.ts';

const SERVER: [string, string] = ['mcp_servers', 'mam'];
/** Codex ends a call after 300 s by default, whatever its progress. */
const TOOL_TIMEOUT_SECONDS = 86_400;
const STARTUP_TIMEOUT_SECONDS = 30;

/** What our server, its hub and the agents that they start read. Codex passes only named variables to a server. */
const ENV_VARS = [
  'TMUX',
  'TMUX_PANE',
  'TMUX_TMPDIR',
  ...ALL_SETTINGS.filter(({ handedTo }) => handedTo.includes('client')).flatMap(namesOf),
  'VIRTUAL_ENV',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'DISPLAY',
  'WAYLAND_DISPLAY',
];
/** Codex 0.171.0. */
export const codex: Client = {
  title: 'Codex',
  program: 'codex',

  files(scope, { home, project, env, command, args }, { supervisor = false } = {}) {
    const folder =
      scope === 'project' ? join(project, '.codex') : resolve(env['CODEX_HOME'] || join(home, '.codex'));
    const path = join(folder, 'config.toml');
    const remove =
      scope === 'project' ? 'delete [mcp_servers.mam] and the tables below it' : 'codex mcp remove mam';
    const text = block(command, args, allowedTools(supervisor));
    const file = tomlConfig(path, { at: SERVER, block: text, lists: ['env_vars'], remove });
    return [{ ...file, read: (text) => read(path, text) }];
  },

  next(scope) {
    return [
      'Restart Codex: it reads its configuration when it starts.',
      ...(scope === 'project'
        ? ['Codex ignores .codex/config.toml until the folder is trusted: it asks when it starts there.']
        : []),
      'Check: codex mcp list',
    ];
  },
};

function read(path: string, text: string | undefined): ServerEntry | undefined {
  const table = tableOf(path, text ?? '', SERVER);
  if (table === undefined) return undefined;
  const { command, args, env, env_vars, tool_timeout_sec, enabled } = fieldsOf(table);
  const said = { command, args, env, env_vars: env_vars ?? [], timeout_seconds: tool_timeout_sec, enabled };
  return serverEntry(`[${SERVER.join('.')}] in ${path}`, said);
}

/**
 * @param approved Codex 0.171.0 asks only for cancel_job and stop_agent, because of the annotations of the others; a
 * stricter default of the user's should not change what we allow
 */
function block(command: string, args: string[], approved: string[]): string {
  return [
    '[mcp_servers.mam]',
    `command = ${JSON.stringify(command)}`,
    ...(args.length > 0 ? [`args = [${args.map((arg) => JSON.stringify(arg)).join(', ')}]`] : []),
    'env_vars = [',
    ...ENV_VARS.map((name) => `  "${name}",`),
    ']',
    `startup_timeout_sec = ${STARTUP_TIMEOUT_SECONDS}`,
    `tool_timeout_sec = ${TOOL_TIMEOUT_SECONDS}`,
    // Otherwise a delegate_job in the same turn would wait until a wait_job has ended.
    'supports_parallel_tool_calls = true',
    '',
    '[mcp_servers.mam.env]',
    `${SETTINGS.toolTimeoutSeconds.env} = "${TOOL_TIMEOUT_SECONDS}"`,
    ...approved.flatMap((tool) => ['', `[mcp_servers.mam.tools.${tool}]`, 'approval_mode = "approve"']),
  ].join('\n');
}
