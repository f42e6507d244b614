import type { AgentKind, LaunchOptions } from './kind.ts';
import { pluginSource } from './opencode-plugin.ts';
export const opencode: AgentKind = {
  name: 'opencode',
  title: 'OpenCode',
  defaultSession: 'opencode',
  screen: {},
  dialogs: [],
  settleMs: 300,
  submitKey: 'Enter',
  start: { program: 'opencode', install: '', takesPrompt: true, launch },
};
function launch({ server, serverEnv, hook, folder, resume, prompt }: LaunchOptions) {
  const plugin = 'mam-plugin.js';
  const config = {
    $schema: 'https://opencode.ai/config.json',
    mcp: { mam: { type: 'local', command: server, environment: serverEnv, enabled: true, timeout: 60_000 } },
    permission: { mam_publish_event: 'allow', mam_job_status: 'allow' },
    plugin: [`file://${folder}/${plugin}`],
  };
  return {
    args: [...(resume ? ['--continue'] : []), ...(prompt === undefined ? [] : [`--prompt=${prompt}`])],
    env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(config) },
    files: { [plugin]: pluginSource(hook) },
  };
}
