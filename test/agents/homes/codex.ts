import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentHome } from './home.ts';

/** Codex CLI 0.171.0. */
export const codex: AgentHome = {
  kind: 'codex',
  npm: { name: '@openai/codex', version: '0.171.0' },
  bin: 'node_modules/@openai/codex/bin/codex.js',
  logs: /^\.codex\/(log|sessions)\//,
  prepare(home, workdir, modelUrl, options) {
    const folder = join(home, '.codex');
    mkdirSync(folder, { recursive: true });
    const project = options.untrusted
      ? ''
      : `[projects.${JSON.stringify(realpathSync(workdir))}]\ntrust_level = "trusted"\n`;
    const config = `
model = "scripted"
model_provider = "scripted"
approval_policy = "${options.ask ? 'on-request' : 'never'}"
sandbox_mode = "${options.ask ? 'workspace-write' : 'danger-full-access'}"
check_for_update_on_startup = false
# As for its own models; for an unknown model it keeps only 10,000 bytes of a tool's result.
tool_output_token_limit = 10000

[analytics]
enabled = false

[model_providers.scripted]
name = "scripted"
base_url = "${modelUrl}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
# A failure of the script is reported immediately, not after five attempts.
request_max_retries = 0
stream_max_retries = 0

${project}`;
    writeFileSync(join(folder, 'config.toml'), config, { mode: 0o600 });
    return { CODEX_HOME: folder, SCRIPTED_KEY: 'dummy-key-for-tests-only' };
  },
};
